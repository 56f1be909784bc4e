// What is typed while an answer comes. The text box is locked then: the keys are kept here, shown
// in the box, and put into it when it takes a question again.

// Takes the text box, whether it takes what is typed just now, and what says that it does not yet
// send; returns what looks at the box anew.
export function wireAhead(box, idle, early) {
  let ahead = "";
  // What the box holds of its own, and what it was made to show.
  let own = "";
  let shown = null;

  const whole = () => (own && ahead && !/\s$/.test(own) ? `${own} ${ahead}` : own + ahead);

  // Before the server has taken a question, the box shows that question and nothing else.
  function show() {
    if (box().value !== shown) own = box().value;
    if (!box().disabled) return;
    shown = whole();
    box().value = shown;
  }

  // Keys that go to nothing else: not to a button, a link or another field.
  const ours = (event) => !idle()
    && [document.body, document.documentElement, box()].includes(event.target);

  function take(event, text) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!ahead) shown = null;
    ahead = text;
    show();
  }

  document.addEventListener("keydown", (event) => {
    if (!ours(event) || event.isComposing) return;
    const composed = event.getModifierState("AltGraph");
    if (event.metaKey || ((event.ctrlKey || event.altKey) && !composed)) return;
    if (event.key === "Backspace") take(event, [...ahead].slice(0, -1).join(""));
    else if ([...event.key].length === 1) take(event, ahead + event.key);
    else if (event.key === "Enter" && !event.repeat) early();
  }, { capture: true });

  document.addEventListener("paste", (event) => {
    if (ours(event)) take(event, ahead + (event.clipboardData?.getData("text") ?? ""));
  }, { capture: true });

  return function settle() {
    if (!ahead) return;
    show();
    if (!idle()) return;
    const text = whole();
    [ahead, shown] = ["", null];
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
    box().focus({ preventScroll: true });
    box().setSelectionRange(text.length, text.length);
  };
}
