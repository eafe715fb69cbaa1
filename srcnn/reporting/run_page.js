"use strict";
// Without this script, and on paper, the pictures stand side by side.
document.documentElement.classList.add("moves");
for (const frame of document.querySelectorAll(".compare")) {
  const range = frame.querySelector("input");
  const show = () => {
    frame.style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % bicubic, ${100 - range.value} % upscaled`);
  };
  range.addEventListener("input", show);
  show(); // browsers restore the value when a page is loaded again
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
