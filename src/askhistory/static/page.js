// The page's own script: waits for Gradio's parts, then wires the conversation and the reader.
// It needs no eval and asks no other host; everything it shows as text it sets as text.

import { wireChat } from "./chat.js";
import { wireReader } from "./reader.js";
import { wireWelcome } from "./welcome.js";
import { persist, sleep, status, watch } from "./server.js";
import { wireTheme } from "./theme.js";

async function found(selector) {
  for (;;) {
    const element = document.querySelector(selector);
    if (element) return element;
    await sleep(40);
  }
}

async function begin() {
  const parts = ["#bar", "#theme", "#export", "#open-notes", "#welcome", "#chat", "#notes"];
  const [first] = await Promise.all([status(), ...parts.map(found), found("#box textarea")]);
  const words = first.words;
  document.documentElement.lang = first.lang;
  wireTheme(words);
  const reader = wireReader(words);
  const chat = wireChat(words, reader);
  const welcome = wireWelcome(words, chat);
  document.getElementById("shell")?.remove();
  document.body.classList.add("ready");
  watch(first, {
    words,
    opened: () => Promise.all([persist(reader.load), persist(welcome.load)]),
    failed: (error) => welcome.failed(error),
  });
  await chat.askFromAddress();
}

begin();
