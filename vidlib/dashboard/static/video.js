// The page *Video*: the player of one video.

import { html, useEffect, useRef } from "./preact.js";
import { _ } from "./words.js";

export const name = "video";
export const listed = false; // without a video there is nothing to see
export const title = () => _("Video");

function Player({ model, base }) {
  const place = useRef(null);
  useEffect(() => {
    let end = null;
    let gone = false;
    document.body.dataset.baseUrl = base; // the player asks for the video below it
    import(`${base}page/player/player.js`).then((player) => {
      if (!gone) end = player.default.render({ model, el: place.current });
    });
    return () => {
      gone = true;
      end?.();
      place.current?.replaceChildren();
    };
  }, [model]);
  return html`<div ref=${place}></div>`;
}

export function View({ parts: { video }, kernel, base }) {
  const model = kernel.models.get(video.model);
  return html`
    <link rel="stylesheet" href="${base}page/player/player.css" />
    ${video.error && html`<section class="card"><h2>${_("Video")}</h2><p class="problem" role="alert">${video.error}</p></section>`}
    ${model && html`<div class="row"><h2>${video.name}</h2>
      ${video.report && html`<a href=${base + video.report} target="_blank" rel="noopener">${_("Open report")}</a>`}</div>
      <${Player} key=${video.model} model=${model} base=${base} />`}`;
}
