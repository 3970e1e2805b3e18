// Starts the page that `lab.save_page` wrote: its models and what was asked for stand in it, in JSON; the address
// keeps what is asked for now, so that a link, and a page kept as a file, show the same.

import { load } from "./model.js";
import { Panel, download } from "./page.js";

const PAUSE = 300; // milliseconds: browsers refuse an address that changes with every key

const source = `<!DOCTYPE html>\n${document.documentElement.outerHTML}\n`; // as it was written
const inPage = (id) => JSON.parse(document.getElementById(id).textContent);
const models = Object.fromEntries(Object.entries(inPage("models")).map(([name, model]) => [name, load(model)]));

function inAddress() {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null; // none, or it was cut on its way
  }
}

let waiting;
const address = () => `#${encodeURIComponent(JSON.stringify(panel.asked))}`;
const keep = () => history.replaceState(null, "", address());
const panel = new Panel(document.getElementById("panel"), models, inAddress() ?? inPage("asked"), () => {
  clearTimeout(waiting);
  waiting = setTimeout(keep, PAUSE);
});
addEventListener("hashchange", () => panel.adopt(inAddress()));

const said = document.getElementById("said");
document.getElementById("link").addEventListener("click", async () => {
  keep();
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  said.textContent = copied ? "Copied: it shows what you see now." : "The address of this page is the link.";
});
document.getElementById("file").addEventListener("click", () => {
  const [before, after] = source.split(/(?<=<script type="application\/json" id="asked">).*?(?=<\/script>)/s);
  const asked = JSON.stringify(panel.asked).replaceAll("<", "\\u003c");
  download("page.html", before + asked + after, "text/html");
  said.textContent = "Kept: the file shows what you see now.";
});
