"use strict";
// Draws the list of videos: those that contain every word of the query, the newest first, a few hundred at most.
{
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const rows = read("rows"), words = read("words");
  const texts = rows.map((row) => plain(row.slice(0, 6).join("\n") + "\n" + words.states[row[4]]));
  const query = document.getElementById("query"), state = document.getElementById("state");
  const list = document.getElementById("list"), body = list.tBodies[0], count = document.getElementById("count");
  const labels = [...list.tHead.rows[0].cells].map((cell) => cell.textContent);

  const cell = (name, column, content, number) => {
    const made = document.createElement(name);
    if (column) made.dataset.label = labels[column];
    if (number) made.className = "vr-number";
    made.append(content ?? "");
    return made;
  };

  const title = (row) => {
    const head = cell("th", 0, row[6] ? "" : row[0]);
    head.scope = "row";
    if (row[6]) {
      const link = document.createElement("a");
      link.href = row[6];
      link.textContent = row[0];
      head.append(link);
    }
    return head;
  };

  const status = (row) => {
    const badge = document.createElement("span"), whole = document.createElement("span");
    badge.className = "vr-badge vr-" + row[4];
    badge.textContent = words.states[row[4]];
    whole.append(badge);
    if (row[5]) {
      const problem = document.createElement("div");
      problem.className = "vr-quiet";
      problem.textContent = row[5];
      whole.append(problem);
    }
    return cell("td", 3, whole);
  };

  const draw = () => {
    const wanted = plain(query.value).split(/\s+/).filter(Boolean);
    const found = rows.filter(
      (row, index) => (!state.value || row[4] === state.value) && wanted.every((word) => texts[index].includes(word)),
    );
    body.replaceChildren(
      ...found.slice(0, words.most).map((row) => {
        const line = document.createElement("tr");
        line.append(title(row), cell("td", 1, row[1]), cell("td", 2, row[3]), status(row), cell("td", 4, row[7], true));
        line.append(...[8, 9, 10, 11, 12].map((column) => cell("td", column - 3, row[column], true)));
        return line;
      }),
    );
    list.hidden = !found.length;
    const shown = Math.min(found.length, words.most).toLocaleString(document.documentElement.lang);
    count.textContent = words.found
      .replace("{shown}", shown)
      .replace("{all}", found.length.toLocaleString(document.documentElement.lang));
  };

  query.addEventListener("input", draw);
  state.addEventListener("input", draw);
  query.form.addEventListener("submit", (event) => event.preventDefault());
  draw();
}
