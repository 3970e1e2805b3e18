// The panel in a notebook. A widget's model holds the models, by name, as portable.py wrote them; what is `asked`
// for, which the kernel is told of and may set; and `still`, by which the picture for where nothing runs is known.

import { load } from "./model.js";
import { Panel } from "./page.js";

export default { render };

/** What a notebook calls, for each view of the widget. */
function render({ model, el }) {
  const [models, asked, still] = ["models", "asked", "still"].map((name) => model.get(name));
  const panel = start(el, { models, asked, still }, (asked) => {
    model.set("asked", asked);
    model.save_changes();
  });
  const adopt = () => panel.adopt(model.get("asked"));
  model.on("change:asked", adopt);
  return () => model.off("change:asked", adopt);
}

/** The panel in an element, with a kernel or without one. */
function start(element, { models, asked, still }, changed) {
  const loaded = Object.entries(models).map(([name, model]) => [name, load(model)]);
  element.dataset.lmSuppressShortcuts = "true"; // JupyterLab has other plans for these keys
  new ResizeObserver(() => hideStill(still)).observe(element); // once it is in the page
  return new Panel(element, Object.fromEntries(loaded), asked, changed);
}

/** The picture is known by the end of its data; where this runs it is not needed. */
function hideStill(end) {
  for (const picture of document.images) {
    if (!end || !picture.src.endsWith(end)) continue;
    (picture.closest(".jp-OutputArea-child, .output_area") ?? picture).style.display = "none";
  }
}
