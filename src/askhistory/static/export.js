// An answer as text to paste, and the conversation as Markdown with footnotes.

const text = (element) => element.textContent.replace(/\s+/g, " ").trim();

function chips(item) {
  return [...item.querySelectorAll("a.cite")].map((chip) => text(chip));
}

// Each line of an answer: what is said, at which depth, and the numbers that it cites.
function* lines(answer) {
  for (const part of answer.children) {
    if (part.matches(".next, .link, .points")) continue;
    if (part.matches(".group")) {
      const path = part.querySelector(".path");
      const number = chips(path)[0] ?? "";
      yield { kind: "path", text: text(path).replace(number, "").trim(), cites: [number] };
      for (const item of part.querySelectorAll("li")) {
        yield { kind: "point", text: text(item.querySelector(".said")), cites: chips(item) };
      }
    } else if (part.matches(".sources")) {
      for (const item of part.querySelectorAll("li")) {
        yield {
          kind: "source",
          number: chips(item)[0],
          text: `${text(item.querySelector(".where"))} (${text(item.querySelector(".page"))})`,
        };
      }
    } else if (part.matches(".refusal")) {
      for (const item of part.querySelectorAll("p, .see")) {
        yield { kind: item.matches(".see") ? "point" : "text", text: text(item), cites: [] };
      }
    } else {
      const whole = part.matches("details") ? part.querySelector("p") : part;
      yield { kind: "text", text: text(whole), cites: [] };
    }
  }
}

export function answerText(bot, words) {
  const answer = bot.querySelector(".answer");
  if (!answer) return text(bot);
  const out = [];
  let sources = false;
  for (const line of lines(answer)) {
    const cited = (line.cites ?? []).join("");
    if (line.kind === "path") out.push(out.length ? "" : null, `${line.text} ${cited}`.trim());
    else if (line.kind === "point") out.push(`- ${line.text}${cited ? ` ${cited}` : ""}`);
    else if (line.kind === "source") {
      if (!sources) out.push("", `${words["answer.sources"]}:`);
      sources = true;
      out.push(`${line.number} ${line.text}`);
    } else out.push(line.text);
  }
  return out.filter((line) => line !== null).join("\n");
}

const escaped = (plain) => plain.replace(/[\\`*_[\]<>#|]/g, "\\$&");

export function conversationMarkdown(chat, words) {
  const messages = [...chat.querySelectorAll("[data-testid=user], [data-testid=bot]")];
  if (!messages.length) return "";
  const out = [`# ${words["export.title"]}`, ""];
  const notes = [];
  let turn = 0;
  for (const message of messages) {
    if (message.dataset.testid === "user") {
      turn += 1;
      out.push(`## ${escaped(text(message))}`, "");
      continue;
    }
    const answer = message.querySelector(".answer");
    if (!answer) {
      out.push(escaped(text(message)), "");
      continue;
    }
    const mark = (numbers) =>
      numbers.filter(Boolean).map((number) => `[^${turn}-${number.replace(/\D/g, "")}]`).join("");
    for (const line of lines(answer)) {
      if (line.kind === "path") out.push("", `**${escaped(line.text)}**${mark(line.cites)}`, "");
      else if (line.kind === "point") out.push(`- ${escaped(line.text)}${mark(line.cites)}`);
      else if (line.kind === "source") notes.push(`${mark([line.number])}: ${escaped(line.text)}`);
      else out.push(escaped(line.text), "");
    }
    out.push("");
  }
  return `${[...out, ...notes].join("\n").replace(/\n{3,}/g, "\n\n").trim()}\n`;
}
