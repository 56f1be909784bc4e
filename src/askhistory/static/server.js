// Our own addresses on the server, and whether it is still the same one.

const BEAT = 4000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const address = (path) => new URL(`askhistory/${path}`, document.baseURI);

export async function get(path, query = {}) {
  const url = address(path);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} for ${path}`);
  return answer.json();
}

export async function status() {
  for (;;) {
    try {
      return await get("status");
    } catch {
      await sleep(1000);
    }
  }
}

// Does something again and again until it succeeds: one part that fails must not keep the others
// from coming, nor stay away for good.
export async function persist(task) {
  for (let pause = 500; ; pause = Math.min(2 * pause, 10_000)) {
    try {
      return await task();
    } catch {
      await sleep(pause);
    }
  }
}

// Until some time has passed, and the page can be seen again if it is hidden.
async function pause(ms) {
  await sleep(ms);
  if (!document.hidden) return;
  await new Promise((done) => {
    document.addEventListener("visibilitychange", done, { once: true });
  });
}

// Looks after the server: calls `opened` once the notes are open, and says when it is lost.
export async function watch(first, { words, opened, failed }) {
  const banner = document.createElement("div");
  banner.id = "banner";
  banner.setAttribute("role", "alert");
  document.body.append(banner);
  let open = false;
  let said = null;
  const say = (text, reload) => {
    if (said === text) return;
    said = text;
    banner.replaceChildren();
    banner.classList.toggle("shown", Boolean(text));
    if (!text) return;
    const line = document.createElement("p");
    line.textContent = text;
    banner.append(line);
    if (reload) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words["lost.reload"];
      button.addEventListener("click", () => location.reload());
      banner.append(button);
    }
  };
  let now = first;
  let notes = first.notes;
  for (;;) {
    notes = notes || now.notes;
    if (now.boot !== first.boot) {
      say(words["lost.restarted"], true);
    } else if (now.notes !== notes) {
      say(words["lost.renewed"], true);
    } else {
      say(null);
      if (now.ready && !open) {
        open = true;
        opened();
      } else if (now.error && !open) {
        failed(now.error);
      }
    }
    // A page in the background still opens; only then does it rest until it is looked at.
    await (open ? pause(BEAT) : sleep(400));
    try {
      now = await get("status");
    } catch {
      say(words["lost.connection"], false);
      now = { ...now };
      while (said) {
        await sleep(1000);
        try {
          now = await get("status");
          break;
        } catch {
          continue;
        }
      }
    }
  }
}
