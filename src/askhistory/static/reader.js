// The notes beside the chat: contents, search, and the cited points highlighted in their place.

import { make, say } from "./dom.js";
import { get } from "./server.js";

const NARROW = "(max-width: 859px)";

// Pixels above what is brought to the top.
const MARGIN = 16;

export function wireReader(words) {
  const place = document.getElementById("notes");
  const narrow = matchMedia(NARROW);
  let pages = [];
  let shown = -1;
  let wanted = -1;
  let loaded;
  // A citation can be opened before the notes are here; it waits for them.
  const here = new Promise((done) => { loaded = done; });
  let trigger = null;
  // The turn whose citation the notes were opened at.
  let cited = null;
  let asks = () => {};

  const back = make("button", { type: "button", class: "back", text: words["notes.back"] });
  const search = make("input", {
    type: "search", placeholder: words["notes.search"], "aria-label": words["notes.search"],
    autocomplete: "off",
  });
  const toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false",
    text: words["notes.contents"] });
  const contents = make("nav", { class: "contents", "aria-label": words["notes.contents"] });
  const results = make("div", { class: "results", role: "region",
    "aria-label": words["notes.search"], "aria-live": "polite", hidden: true });
  const crumbs = make("p", { class: "crumbs", "aria-live": "polite" });
  const giveBack = make("button", { type: "button", class: "return", text: words["notes.return"],
    hidden: true });
  const text = make("div", { class: "text", tabindex: "0", role: "region",
    "aria-label": words["notes.label"] });
  const waiting = make("p", { class: "opening", text: words["opening.notes"] });
  text.append(waiting);
  const reading = make("div", { class: "reading" },
    make("div", { class: "place" }, crumbs, giveBack), text);
  const panel = make("div", { class: "reader" },
    make("div", { class: "tools" }, back, toggle, search),
    make("div", { class: "spread" },
      make("div", { class: "side" }, contents, results), reading));
  place.append(panel);

  // ── Opening and closing: beside the chat where there is room, else over it ──

  // Over the chat the notes are a place of their own, which Back must leave before the site.
  const entered = () => Boolean(history.state?.notes);

  function open() {
    if (narrow.matches && !entered()) history.pushState({ notes: true }, "");
    unveil();
  }

  function unveil() {
    place.classList.add("open");
    document.body.classList.add("reading");
    modal();
  }

  function modal() {
    const over = narrow.matches && place.classList.contains("open");
    for (const other of [document.getElementById("talk"), document.getElementById("bar")]) {
      other.toggleAttribute("inert", over);
    }
    if (narrow.matches) {
      place.toggleAttribute("inert", !over);
    } else {
      place.removeAttribute("inert");
    }
  }
  narrow.addEventListener("change", modal);
  window.addEventListener("popstate", () => {
    if (narrow.matches && entered()) unveil();
    else if (place.classList.contains("open")) veil(narrow.matches);
  });
  // After a reload the browser is still where it was.
  if (narrow.matches && entered()) unveil();
  else modal();

  function close(focus = false) {
    veil(focus);
    if (entered()) history.back();
  }

  function veil(focus) {
    place.classList.remove("open");
    document.body.classList.remove("reading");
    modal();
    if (focus) giveFocusBack();
  }

  function giveFocusBack() {
    const target = trigger?.isConnected ? trigger : document.querySelector("#box textarea");
    giveBack.hidden = true;
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
    trigger = null;
  }

  // The notes were opened from the conversation: where they are and what leads back to it.
  function openFrom(link) {
    open();
    unfold(false);
    trigger = link;
    cited = [...link.closest(".turn").classList].find((name) => name.startsWith("turn-"));
    giveBack.hidden = false;
  }

  // What was highlighted for an answer goes with it.
  function keep(there) {
    if (!cited || there(cited)) return;
    cited = trigger = settled = null;
    giveBack.hidden = true;
    clear();
    locate();
  }

  const unfold = (open) => {
    panel.classList.toggle("contents-open", open);
    toggle.setAttribute("aria-expanded", String(open));
  };
  toggle.addEventListener("click", () => {
    list(false);
    unfold(!panel.classList.contains("contents-open"));
  });
  back.addEventListener("click", () => close(true));
  giveBack.addEventListener("click", () => (narrow.matches ? close(true) : giveFocusBack()));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (event.target === search && search.value) return;
    if (narrow.matches) close(true);
    else if (trigger) giveFocusBack();
  });
  document.getElementById("open-notes").addEventListener("click", (event) => {
    trigger = event.currentTarget;
    open();
    search.focus();
  });

  // ── Pages and headings ──

  async function load() {
    ({ pages } = await get("notes"));
    contents.replaceChildren(...pages.map(pageContents));
    if (pages.length) await show(0);
    waiting.remove();
    loaded();
  }

  function pageContents(page, number) {
    const list = make("ul");
    for (const heading of page.headings) {
      if (heading.level === 1) continue;
      const link = make("a", {
        href: `#${heading.id}`, class: `level-${Math.min(heading.level, 5)}`,
        text: heading.title,
      });
      if (heading.group) link.classList.add("group");
      list.append(make("li", {}, link));
    }
    const summary = make("summary", { text: page.title });
    const details = make("details", { "data-page": String(number), open: number === 0 },
      summary, list);
    return details;
  }

  contents.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) {
      event.preventDefault();
      unfold(false);
      go(link.getAttribute("href").slice(1));
      return;
    }
    const summary = event.target.closest("summary");
    if (summary && !summary.parentElement.open) show(Number(summary.parentElement.dataset.page));
  });

  // Whether the page is shown: another may be wanted by the time it comes.
  async function show(number) {
    wanted = number;
    if (shown === number) return true;
    const { html } = await get("notes/page", { page: number });
    if (wanted !== number) return false;
    text.innerHTML = html;
    shown = number;
    text.scrollTop = 0;
    for (const heading of text.querySelectorAll("h2, h3, h4, h5, h6")) {
      heading.append(make("button", { type: "button", class: "about", text: words["notes.ask"] }));
    }
    text.append(make("p", { class: "file", text: pages[number].path }));
    for (const details of contents.children) {
      details.open = Number(details.dataset.page) === number;
    }
    locate();
    return true;
  }

  function clear() {
    for (const hit of text.querySelectorAll(".hit")) hit.classList.remove("hit");
  }

  const headings = () => text.querySelectorAll("h2, h3, h4, h5, h6");
  const follows = (one, other) => one.compareDocumentPosition(other)
    & Node.DOCUMENT_POSITION_FOLLOWING;

  // Brings the heading above to the top where the points below it still fit, or would not fit
  // anyway and the first of them is not far; else the first point.
  function scrollTo(first, last = first) {
    const over = first.matches(".point")
      && [...headings()].findLast((heading) => follows(heading, first));
    const top = (element) => element.getBoundingClientRect().top;
    const height = text.clientHeight - 2 * MARGIN;
    const fits = over && (last.getBoundingClientRect().bottom - top(over) <= height
      || top(first) - top(over) <= height / 4);
    const start = fits ? over : first;
    text.scrollTo({ top: text.scrollTop + top(start) - top(text) - MARGIN });
  }

  async function go(id, focus = true) {
    const [, page] = id.split("-");
    await here;
    if (!await show(Number(page))) return;
    const target = document.getElementById(id);
    if (!target) return;
    clear();
    if (target.matches(".point")) target.classList.add("hit");
    scrollTo(target);
    if (focus) target.focus({ preventScroll: true });
    settled = target;
    locate();
  }

  // ── Citations ──

  async function openPoints(address, from) {
    openFrom(from);
    const [page, points] = address.split("-");
    await here;
    if (!points || Number(page) >= pages.length) {
      crumbs.textContent = words["notes.changed"];
      return;
    }
    if (!await show(Number(page))) return;
    const hits = points.split(".")
      .map((number) => document.getElementById(`p-${page}-${number}`)).filter(Boolean)
      // An answer may begin with what sums the others up; the notes end with it.
      .sort((one, other) => (follows(one, other) ? -1 : 1));
    clear();
    if (!hits.length) {
      crumbs.textContent = words["notes.changed"];
      return;
    }
    settled = hits[0];
    for (const hit of hits) hit.classList.add("hit");
    scrollTo(hits[0], hits.at(-1));
    hits[0].focus({ preventScroll: true });
    locate();
  }

  async function openSection(address, from) {
    openFrom(from);
    await go(`s-${address}`);
  }

  // ── Where one is: the path above the text, and the contents following along ──

  // What was gone to is where one is, however little of it could be scrolled up, until one
  // scrolls on.
  let settled = null;
  function locate() {
    const page = pages[shown];
    if (!page) return;
    const top = text.getBoundingClientRect().top + 60;
    let current = null;
    for (const heading of headings()) {
      const before = settled === heading || (settled
        ? follows(heading, settled)
        : heading.getBoundingClientRect().top <= top);
      if (before) current = heading;
      else break;
    }
    const known = page.headings.find((heading) => heading.id === current?.id);
    crumbs.textContent = (known?.path ?? [page.title]).join(" › ");
    crumbs.title = page.path;
    for (const link of contents.querySelectorAll("a")) {
      const here = link.getAttribute("href") === `#${known?.id}`;
      if (here) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
      if (here) {
        const side = contents.parentElement;
        const offset = link.getBoundingClientRect().top - side.getBoundingClientRect().top;
        if (offset < 0 || offset > side.clientHeight - 40) side.scrollTop += offset - 80;
      }
    }
  }
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    text.addEventListener(kind, () => { settled = null; }, { passive: true });
  }
  let ticking = false;
  text.addEventListener("scroll", () => {
    if (ticking) return;
    ticking = true;
    setTimeout(() => {
      ticking = false;
      locate();
    }, 150);
  });

  // ── Ask about a heading ──

  text.addEventListener("click", async (event) => {
    const heading = event.target.closest("h2, h3, h4, h5, h6");
    if (!heading) return;
    const known = text.querySelector(".offer");
    known?.remove();
    if (known?.previousElementSibling === heading) return;
    const offer = make("div", { class: "offer choices", role: "group",
      "aria-label": words["notes.ask"] });
    heading.after(offer);
    const [, page, section] = heading.id.split("-");
    let questions = [];
    try {
      ({ questions } = await get("notes/questions", { page, section }));
    } catch {
      questions = [];
    }
    if (!questions.length) offer.append(make("p", { text: words["notes.ask_none"] }));
    for (const question of questions) {
      const button = make("button", { type: "button", class: "ask", text: question });
      button.addEventListener("click", () => asks(question));
      offer.append(button);
    }
    offer.querySelector("button")?.focus({ preventScroll: true });
  });

  // ── Search ──

  let typed;
  search.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(find, 200);
  });
  // Whoever comes back to a word finds what it found.
  for (const kind of ["focus", "click"]) {
    search.addEventListener(kind, () => {
      if (search.value.trim() && !panel.classList.contains("searching")) find();
    });
  }

  // Whether what was found is shown, or the contents in its place.
  function list(found) {
    contents.hidden = found;
    results.hidden = !found;
    panel.classList.toggle("searching", found);
  }

  async function find() {
    const query = search.value.trim();
    list(Boolean(query));
    if (!query) return;
    const { found, read } = await get("notes/search", { q: query });
    if (query !== search.value.trim()) return;
    const key = ["notes.found_none", "notes.found_one"][found.length] ?? "notes.found";
    const count = make("p", { class: "label", text: say(words[key], { count: found.length }) });
    if (read) count.prepend(`${say(words["notes.read_as"], { read })} · `);
    const rows = make("ul");
    for (const hit of found) {
      const link = make("a", { href: `#${hit.id}` });
      if (hit.text) link.append(make("span", { class: "what", text: hit.text }));
      link.append(make("span", { class: "where", text: hit.path }));
      link.addEventListener("click", (event) => {
        event.preventDefault();
        panel.classList.remove("searching");
        go(hit.id);
      });
      rows.append(make("li", {}, link));
    }
    results.replaceChildren(count, rows);
  }

  return { load, openPoints, openSection, close, keep, onAsk: (ask) => { asks = ask; } };
}
