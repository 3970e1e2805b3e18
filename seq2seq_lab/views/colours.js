// From a number to a colour, given as red, green and blue from 0 to 255.

const VIRIDIS =
  "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 " +
  "fde725";
const RED_BLUE = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f";

/** How far a value lies from `least` to 1, as a share; beyond either it is taken for that. */
export const share = (value, least) => (Math.max(least, Math.min(value, 1)) - least) / (1 - least);

/** From a value to its colour among some, the first of which stands for `least` and the last for 1. */
export function scale(known, least = 0) {
  return (value) => {
    const place = share(value, least) * (known.length - 1);
    const i = Math.min(Math.floor(place), known.length - 2);
    return known[i].map((from, k) => Math.round(from + (place - i) * (known[i + 1][k] - from)));
  };
}

const listed = (colours) => colours.split(" ").map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));

export const viridis = scale(listed(VIRIDIS));
export const redBlue = scale(listed(RED_BLUE), -1);
export const css = (colour) => `rgb(${colour.join(",")})`;

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any colour that a style may have, in the same three numbers. */
export function parsed(colour) {
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}
