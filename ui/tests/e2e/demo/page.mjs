// The page that shows a demo's figures and pictures.
const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function page(figures, pictures) {
  const rows = Object.entries(figures).map(([name, value]) => `<tr><th>${escape(name)}<td>${escape(value)}`);
  const sections = [...grouped(pictures)].map(([screen, shots]) => `<h2>${escape(screen)}</h2>\n<div>${shots.map(figure).join('\n')}</div>`);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Skrynka: the demo</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
th { text-align: left; font-weight: 400; padding-right: 2rem; }
div { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 1rem; }
img { width: 100%; border: 1px solid #bbb; }
figure { margin: 0; }
</style>
<h1>Skrynka: the demo</h1>
<table>${rows.join('\n')}</table>
${sections.join('\n')}
</html>
`;
}

function figure({ file, width, theme }) {
  return `<figure><a href="${file}"><img src="${file}" alt="" loading="lazy"></a><figcaption>${width} px, ${theme}</figcaption></figure>`;
}

function grouped(pictures) {
  const groups = new Map();
  for (const picture of pictures) groups.set(picture.screen, [...(groups.get(picture.screen) ?? []), picture]);
  return groups;
}
