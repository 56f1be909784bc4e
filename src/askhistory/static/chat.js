// The conversation: sends questions through Gradio's own text box, and makes what Gradio shows
// pleasant to use (names for assistive technology, copying, the way to the notes).

import { wireAhead } from "./ahead.js";
import { make, say, toast } from "./dom.js";
import { answerText, conversationMarkdown } from "./export.js";
import { sleep } from "./server.js";

const DRAFT = "askhistory.draft";

// Milliseconds after which a question that nothing was heard of may be sent again.
const LOST = 8000;

export function wireChat(words, reader) {
  const chat = document.getElementById("chat");
  const box = () => document.querySelector("#box textarea");
  const log = () => chat.querySelector("[role=log]");
  const free = () => box() && !box().disabled;

  const type = (text) => {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  };

  // The server has looked for a conversation that this browser kept. A question sent before that
  // would be overwritten by what it found.
  const restored = async () => {
    while (!document.querySelector("#box.restored")) await sleep(30);
  };

  // A question is on its way before the server locks the text box: a second Enter is no question.
  let sent = 0;
  let early = false;
  const taken = () => {
    clearTimeout(sent);
    sent = 0;
  };
  const settle = wireAhead(
    box, () => free() && !sent && !chat.querySelector(".turn.waiting"),
    () => toast(words["turn.coming"]),
  );
  const lost = () => {
    taken();
    settle();
  };
  const once = (event) => {
    const enter = event.type === "keydown" && event.key === "Enter" && !event.shiftKey;
    if (!enter && !event.target.closest?.("[data-testid=submit-button]")) return;
    const ready = document.querySelector("#box.restored");
    if (ready && !sent) {
      if (box().value.trim()) sent = setTimeout(lost, LOST);
      return;
    }
    // Gradio listens for the key press that a key down leads to.
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!ready && !early) restored().then(submit);
    early ||= !ready;
  };
  for (const kind of ["keydown", "click"]) {
    document.getElementById("box").addEventListener(kind, once, { capture: true });
  }

  async function ask(question) {
    if (!free()) return;
    reader.close();
    type(question);
    await sleep(0);
    submit();
  }
  function submit() {
    document.querySelector("#box [data-testid=submit-button]")?.click();
  }

  // A link to a question asks it once, and leaves the address clean for the next reload.
  async function askFromAddress() {
    const url = new URL(location.href);
    const question = url.searchParams.get("q");
    draft.restore();
    if (!question?.trim()) return;
    url.searchParams.delete("q");
    history.replaceState(null, "", url);
    await restored();
    await ask(question);
  }

  const draft = {
    keep: () => sessionStorage.setItem(DRAFT, box()?.value ?? ""),
    restore: () => {
      const text = sessionStorage.getItem(DRAFT);
      sessionStorage.removeItem(DRAFT);
      if (text) type(text);
    },
  };

  // A reload must not lose what was typed, nor a question that has hardly been sent.
  addEventListener("pagehide", draft.keep);

  // Answers that have come to an end, well or badly, since the page was loaded.
  const finished = new Set();
  const known = new Set();

  const copying = [words["chatbot.copy_message"], words["chatbot.copied_message"]];
  const copies = (button) => copying.includes(button.getAttribute("aria-label"));

  // Gradio names each message by its raw source and keeps no aria-label of ours: set them here.
  function polish() {
    if (log()?.getAttribute("aria-label") !== words["log.label"]) {
      log()?.setAttribute("aria-label", words["log.label"]);
    }
    // Gradio's label holds the button too, and would name the text box "Your question Ask".
    if (box() && box().getAttribute("aria-label") !== words["ask.label"]) {
      box().setAttribute("aria-label", words["ask.label"]);
    }
    for (const bot of chat.querySelectorAll("[data-testid=bot]")) {
      if (bot.getAttribute("aria-label") !== words["answer.label"]) {
        bot.setAttribute("role", "group");
        bot.setAttribute("aria-label", words["answer.label"]);
      }
    }
    for (const user of chat.querySelectorAll("[data-testid=user]")) {
      if (user.getAttribute("aria-label") !== words["export.you"]) {
        user.setAttribute("role", "group");
        user.setAttribute("aria-label", words["export.you"]);
      }
    }
    for (const button of chat.querySelectorAll(".message-buttons button")) {
      button.toggleAttribute("data-copies", copies(button));
    }
    for (const chip of chat.querySelectorAll("a.cite:not([aria-label])")) {
      const number = chip.textContent.replace(/\D/g, "");
      const name = words[chip.closest(".also") ? "answer.also_source" : "answer.source"];
      chip.setAttribute("aria-label", say(name, { number, path: chip.title }));
    }
    for (const line of chat.querySelectorAll("a.line:not([aria-label])")) {
      line.setAttribute("aria-label", words["answer.point"]);
    }
    for (const turn of chat.querySelectorAll(".turn")) {
      const id = [...turn.classList].find((name) => name.startsWith("turn-"));
      if (!known.has(id)) taken();
      known.add(id);
      if (turn.matches(".ended")) finished.add(id);
    }
    reader.keep((id) => chat.querySelector(`.${id}`));
    if (!free()) taken();
    document.body.dataset.finished = String(finished.size);
    document.body.classList.toggle("talking", Boolean(chat.querySelector("[data-testid=user]")));
    document.body.classList.toggle("asking", !free());
    // A screen reader reads an answer when it is whole, not each of its parts.
    log()?.setAttribute("aria-busy", String(Boolean(chat.querySelector(".turn.waiting"))));
    settle();
  }

  // While an answer grows the log follows it, but never past the question it answers; a student
  // who scrolls is left alone until the next question.
  let follows = false;
  let questions = 0;
  function follow() {
    const asked = chat.querySelectorAll("[data-testid=user]");
    if (asked.length > questions) follows = true;
    questions = asked.length;
    if (!follows || !asked.length) return;
    const top = asked[asked.length - 1].closest(".message-row").getBoundingClientRect().top
      - log().getBoundingClientRect().top + log().scrollTop;
    log().scrollTop = Math.min(top - 12, log().scrollHeight - log().clientHeight);
  }
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown", "focusin"]) {
    chat.addEventListener(kind, () => { follows = false; }, { passive: true });
  }
  new MutationObserver(() => {
    polish();
    follow();
  }).observe(chat, { childList: true, subtree: true });
  new MutationObserver(() => {
    polish();
    // A disabled text box loses the focus to nowhere; give it back when the answer is there.
    if (free() && (document.activeElement === document.body || !document.activeElement)
        && matchMedia("(pointer: fine)").matches) box().focus({ preventScroll: true });
  }).observe(document.getElementById("box"), { attributes: true, subtree: true, childList: true });
  polish();

  chat.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link) {
      event.preventDefault();
      const [kind, ...rest] = link.getAttribute("href").slice(1).split("-");
      if (kind === "src") reader.openPoints(rest.join("-"), link);
      if (kind === "see") reader.openSection(rest.join("-"), link);
      return;
    }
    const shared = event.target.closest(".link a");
    if (shared) {
      event.preventDefault();
      navigator.clipboard?.writeText(new URL(shared.getAttribute("href"), document.baseURI).href)
        .then(() => toast(words["toast.copied"]));
      return;
    }
    const button = event.target.closest("button.ask");
    if (button) ask(button.textContent);
    const again = event.target.closest("button.again");
    if (again) ask(questionOf(again));
  });

  // What the student asked in whose answer an element stands.
  function questionOf(element) {
    const before = [...chat.querySelectorAll("[data-testid=user]")].filter((asked) =>
      asked.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
    return before.at(-1)?.innerText.trim() ?? "";
  }

  const named = (name) => [...chat.querySelectorAll(`button[aria-label="${CSS.escape(name)}"]`)];

  // In the box of an earlier question the keys do what they do in the box of the next one.
  chat.addEventListener("keydown", (event) => {
    if (!event.target.matches?.("textarea") || event.isComposing) return;
    const enter = event.key === "Enter" && !event.shiftKey;
    if (!enter && event.key !== "Escape") return;
    event.preventDefault();
    if (enter && !event.target.value.trim()) return;
    const follows = (button) => event.target.compareDocumentPosition(button)
      & Node.DOCUMENT_POSITION_FOLLOWING;
    const edits = named(words["chatbot.edit"]).filter((button) => !follows(button)).length;
    named(words[enter ? "chatbot.submit" : "chatbot.cancel"]).find(follows)?.click();
    // The button that opened the box is there again.
    if (!enter) setTimeout(() => named(words["chatbot.edit"])[edits]?.focus(), 0);
  });

  // A thumb that reaches nobody gets no thanks.
  chat.addEventListener("click", (event) => {
    const thumb = event.target.closest("button")?.getAttribute("aria-label");
    const thumbs = [words["chatbot.like"], words["chatbot.dislike"]];
    const shared = document.querySelector("#share input")?.checked;
    if (shared && thumbs.includes(thumb)) toast(words["toast.thanks"]);
  }, { capture: true });

  chat.addEventListener("keydown", (event) => {
    const button = event.target.closest?.("a[role=button]");
    if (button && event.key === " ") {
      event.preventDefault();
      button.click();
    }
  });

  // Gradio copies a message's source; what a student wants is the text with its citations.
  chat.addEventListener("click", (event) => {
    const copy = event.target.closest("button");
    const row = copy?.closest(".message-buttons, .message-buttons-left, .message-buttons-right");
    if (!row || !copies(copy)) return;
    const rows = [...chat.querySelectorAll(".message-row, .message-buttons")];
    const message = rows.slice(0, rows.indexOf(row.closest(".message-buttons") ?? row))
      .reverse().find((element) => element.querySelector("[data-testid=bot],[data-testid=user]"));
    const bot = message?.querySelector("[data-testid=bot]");
    if (!bot) return;
    setTimeout(() => {
      navigator.clipboard?.writeText(answerText(bot, words)).then(() => toast(words["toast.copied"]));
    }, 0);
  });

  document.getElementById("export").addEventListener("click", () => {
    const text = conversationMarkdown(chat, words);
    if (!text) return toast(words["toast.nothing"]);
    const link = make("a", {
      href: URL.createObjectURL(new Blob([text], { type: "text/markdown" })),
      download: `askhistory-${new Date().toISOString().slice(0, 10)}.md`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    toast(words["toast.exported"]);
  });

  // Whoever begins anew, or takes that back, wants to type; the server does it in a moment.
  const andType = (id, done) => document.addEventListener("click", async (event) => {
    if (!event.target.closest?.(`#${id}`)) return;
    const end = Date.now() + LOST;
    while (!free() || !done()) {
      if (Date.now() > end) return;
      await sleep(30);
    }
    box().focus();
  });
  andType("new", () => !document.body.matches(".talking"));
  andType("undo", () => !document.getElementById("undo"));

  reader.onAsk(ask);
  return { ask, askFromAddress };
}
