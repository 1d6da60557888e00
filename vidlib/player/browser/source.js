// Where the video comes from: this server, or the kernel.

/** The address of the video on this server, or of a copy from the kernel where the server has none. */
export async function address(model, onPart) {
  if (model.get("media").startsWith("./")) return model.get("media"); // a page of its own, beside the video
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  const base = config.baseUrl ?? document.body.dataset.baseUrl ?? "/";
  if (model.get("media")) {
    const url = `${base.replace(/\/?$/, "/")}vidlib/video/${model.get("media").split("/").map(encodeURIComponent).join("/")}`;
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
    if (answer?.status === 206) return url;
  }
  return URL.createObjectURL(await fromKernel(model, onPart));
}

/** The video in pieces over the connection of the widget. */
function fromKernel(model, onPart) {
  return new Promise((resolve) => {
    const pieces = [];
    let size = 0;
    const receive = ({ offset, total }, [piece]) => {
      if (offset !== size) return;
      pieces.push(piece);
      size += piece.byteLength;
      onPart(size / total);
      if (size < total) return model.send({ do: "piece", offset: size });
      model.off("msg:custom", receive);
      return resolve(new Blob(pieces, { type: "video/mp4" }));
    };
    model.on("msg:custom", receive);
    model.send({ do: "piece", offset: 0 });
  });
}
