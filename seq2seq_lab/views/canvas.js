// What is painted, by pixels of the page, however many the screen has for each; by day and by night.

/** Paint a canvas of this size anew, if it is in a page: else nothing says which colours are around it. */
export function painted(canvas, width, height, act) {
  if (!canvas.isConnected) return;
  const sharp = devicePixelRatio;
  resize(canvas, Math.round(width * sharp), Math.round(height * sharp));
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.setTransform(sharp, 0, 0, sharp, 0, 0);
  context.clearRect(0, 0, width, height);
  act(context);
}

export function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/** Act when the colours around a canvas are others. Its style has a transition, by which one hears of that. */
export function onOtherColours(canvas, act) {
  for (const event of ["transitionend", "transitioncancel"]) canvas.addEventListener(event, act);
}

/** The colours that page.css gives a canvas. */
export function coloursOf(canvas) {
  const style = getComputedStyle(canvas);
  const names = { ink: "color", ground: "border-top-color", orange: "border-right-color" };
  Object.assign(names, { paper: "border-bottom-color", full: "border-left-color" });
  const colours = Object.entries(names).map(([name, property]) => [name, style.getPropertyValue(property)]);
  return { font: style.fontFamily, ...Object.fromEntries(colours) };
}
