// Light or dark: the system's choice until the student makes one, which this browser keeps.

const KEY = "askhistory.theme";

export function wireTheme() {
  const chosen = localStorage.getItem(KEY);
  const set = (dark) => document.body.classList.toggle("dark", dark);
  if (chosen) set(chosen === "dark");
  document.getElementById("theme").addEventListener("click", () => {
    const dark = !document.body.classList.contains("dark");
    localStorage.setItem(KEY, dark ? "dark" : "light");
    set(dark);
  });
}
