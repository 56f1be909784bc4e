// What stands in an empty conversation: a greeting and starter questions from the notes.

import { make } from "./dom.js";
import { get } from "./server.js";

export function wireWelcome(words, chat) {
  const place = document.getElementById("welcome");
  const note = make("p", { class: "opening", role: "status", text: words["opening.notes"] });
  const starters = make("div", { class: "choices" });
  place.append(
    make("div", { class: "greeting" },
      make("h2", { text: words["welcome.title"] }),
      make("p", { text: words["welcome.text"] })),
    note,
    starters,
  );

  async function load() {
    const seed = Math.floor(Math.random() * 1e6);
    const { questions } = await get("starters", { seed });
    note.remove();
    if (!questions.length) return;
    starters.before(make("p", { class: "label", text: words["welcome.starters"] }));
    for (const question of questions) {
      const button = make("button", { type: "button", class: "ask", text: question });
      button.addEventListener("click", () => chat.ask(question));
      starters.append(button);
    }
  }

  function failed(error) {
    note.className = "opening failed";
    note.textContent = `${words["opening.failed"]} ${error}`;
  }

  return { load, failed };
}
