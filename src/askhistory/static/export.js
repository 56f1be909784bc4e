// An answer as text to paste, and the conversation as Markdown with footnotes.

const text = (element) => element.textContent.replace(/\s+/g, " ").trim();

// The same without a button that stands in it.
function said(element) {
  const copy = element.cloneNode(true);
  for (const button of copy.querySelectorAll("button.again")) button.remove();
  return text(copy);
}

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
      yield { kind: "path", text: text(path).slice(0, -number.length || undefined).trim(), cites: [number] };
      for (const item of part.querySelectorAll("li")) {
        // A point that stands under a second heading too is cited to both.
        const also = chips(item);
        const cites = also.length ? [...new Set([number, ...also])] : [];
        yield { kind: "point", text: text(item.querySelector(".said")), cites };
      }
    } else if (part.matches(".sources")) {
      for (const item of part.querySelectorAll("li")) {
        yield {
          kind: "source",
          number: chips(item)[0],
          text: `${text(item.querySelector(".where"))} (${item.querySelector(".where").title})`,
        };
      }
    } else if (part.matches(".refusal, .topics")) {
      for (const item of part.querySelectorAll("p, .see")) {
        yield { kind: item.matches(".see") ? "point" : "text", text: text(item), cites: [] };
      }
    } else {
      const whole = part.matches("details") ? part.querySelector("p") : part;
      yield { kind: "text", text: said(whole), cites: [] };
    }
  }
}

export function answerText(bot, words) {
  const answer = bot.querySelector(".answer");
  if (!answer) return said(bot);
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

// Signs that Markdown may read as markup wherever they stand; runs of one sign are looked at whole.
const SIGNS = new RegExp([
  /\\(?=[!-/:-@[-`{-~]|$)/, /`+/, /~+/, /\*+/, /_+/, /\[(?=\^)/, /(?<=\^)\[/, /\](?=[([:]|$)/,
  /<(?=[a-z/!?])/, /&(?=(?:#\d+|#x[\da-f]+|[a-z][a-z\d]*);)/, /[!^]$/,
].map((sign) => sign.source).join("|"), "gi");

// What makes the beginning of a line more than text; its last sign is the one to escape.
const BEGINS = [
  /^[-+*](?=\s|$)/, /^#(?=#{0,5}(?:\s|$))/, /^>/, /^\d{1,9}[.)](?=\s|$)/, /^`(?=``+[^`]*$)/,
  /^~(?=~~)/, /^-(?=[-\s]*$)/, /^\*(?=\s*\*\s*\*[*\s]*$)/, /^_(?=\s*_\s*_[_\s]*$)/,
  /^\[(?=[ x]\](?:\s|$))/i,
];

const blank = (sign) => /^\s?$/u.test(sign);
const letter = (sign) => /^[^\s\p{P}\p{S}]$/u.test(sign);

// Whether a sign of SIGNS is markup where it stands, by CommonMark's rules and GitHub's.
function marks(plain, sign, at, place, cited) {
  const before = plain.slice(0, at);
  const after = plain.slice(at + sign.length);
  const [left, right] = [[...before].at(-1) ?? "", [...after][0] ?? ""];
  const alike = plain.match(new RegExp(`\\${sign[0]}+`, "g"));
  switch (sign[0]) {
    case "`": return new Set(alike.map((run) => run.length)).size < alike.length;
    case "~": return alike.length > 1 && !(blank(left) && blank(right));
    case "*": return place === "bold" || (alike.length > 1 && !(blank(left) && blank(right)));
    case "_": return alike.length > 1 && !(blank(left) && blank(right) && place !== "bold")
      && !(letter(left) && letter(right));
    case "]": return right === ":" ? plain[0] === "[" && place === "block"
      : (right || cited) && before.includes("[");
    case "<": return after.includes(">") || (at === 0 && place === "block");
    case "!": case "^": return cited;
    case "\\": return right || cited || place === "bold";
    default: return true;
  }
}

// Text that Markdown shows as it is, in a block of its own, in a heading or between `**`, with
// backslashes only where it would be read as markup; `cited` where a footnote's mark follows.
function escaped(plain, place = "block", cited = false) {
  const text = plain.replace(SIGNS, (sign, at) =>
    (marks(plain, sign, at, place, cited) ? sign.replace(/[^]/g, "\\$&") : sign));
  if (place === "heading") return text.replace(/(?<=^|\s)#+$/, "\\$&");
  const begin = place === "block" && BEGINS.map((begins) => text.match(begins)?.[0]).find(Boolean);
  return begin ? `${begin.slice(0, -1)}\\${text.slice(begin.length - 1)}` : text;
}

export function conversationMarkdown(chat, words) {
  const messages = [...chat.querySelectorAll("[data-testid=user], [data-testid=bot]")];
  if (!messages.length) return "";
  const out = [`# ${words["export.title"]}`, ""];
  const notes = [];
  let turn = 0;
  for (const message of messages) {
    if (message.dataset.testid === "user") {
      turn += 1;
      out.push(`## ${escaped(text(message), "heading")}`, "");
      continue;
    }
    const answer = message.querySelector(".answer");
    if (!answer) {
      out.push(escaped(said(message)), "");
      continue;
    }
    const mark = (numbers) =>
      numbers.filter(Boolean).map((number) => `[^${turn}-${number.replace(/\D/g, "")}]`).join("");
    for (const line of lines(answer)) {
      const cites = mark(line.cites ?? [line.number]);
      if (line.kind === "path") out.push("", `**${escaped(line.text, "bold")}**${cites}`, "");
      else if (line.kind === "point") {
        out.push(`- ${escaped(line.text, "block", Boolean(cites))}${cites}`);
      } else if (line.kind === "source") notes.push(`${cites}: ${escaped(line.text)}`);
      // Without the line before it, it would go on from the point above.
      else out.push("", escaped(line.text), "");
    }
    out.push("");
  }
  return `${[...out, ...notes].join("\n").replace(/\n{3,}/g, "\n\n").trim()}\n`;
}
