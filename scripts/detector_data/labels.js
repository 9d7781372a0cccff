// The widgets of the page as [class, left, top, right, bottom] in CSS pixels: of those that are partly covered, what is seen.
(() => {
  const found = [];
  const seen = new Set();
  const width = innerWidth, height = innerHeight;
  const CELLS = 12, LEAST_FREE = 0.2;

  function clipped(element) {
    let {left, top, right, bottom} = element.getBoundingClientRect();
    for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflow === 'visible') continue;
      const box = up.getBoundingClientRect();
      left = Math.max(left, box.left); top = Math.max(top, box.top);
      right = Math.min(right, box.right); bottom = Math.min(bottom, box.bottom);
    }
    return {left: Math.max(0, left), top: Math.max(0, top), right: Math.min(width, right), bottom: Math.min(height, bottom)};
  }

  function shows(element, x, y) {
    const hit = document.elementFromPoint(Math.min(x, width - 1), Math.min(y, height - 1));
    return hit && (hit === element || element.contains(hit) || hit.contains(element));
  }

  // What is seen of the box where another thing lies over it: its largest uncovered rectangle; null if that is not enough to click.
  function uncovered(element, box) {
    const w = box.right - box.left, h = box.bottom - box.top;
    if (w < 30 || h < 16) return shows(element, (box.left + box.right) / 2, (box.top + box.bottom) / 2) ? box : null;
    const free = [...Array(CELLS).keys()].map(row => [...Array(CELLS).keys()].map(
      column => shows(element, box.left + (column + 0.5) / CELLS * w, box.top + (row + 0.5) / CELLS * h)));
    if (free.every(row => row.every(Boolean))) return box;
    let best = null, most = 0;
    for (let top = 0; top < CELLS; top++) {
      const open = Array(CELLS).fill(true);
      for (let bottom = top; bottom < CELLS; bottom++) {
        for (let column = 0, start = 0; column <= CELLS; column++) {
          if (column < CELLS) open[column] = open[column] && free[bottom][column];
          if (column < CELLS && open[column]) continue;
          const area = (column - start) * (bottom - top + 1);
          if (area > most) [most, best] = [area, [start, top, column, bottom + 1]];
          start = column + 1;
        }
      }
    }
    if (most < LEAST_FREE * CELLS * CELLS) return null;
    const [left, top, right, bottom] = best;
    return {left: box.left + left / CELLS * w, top: box.top + top / CELLS * h,
            right: box.left + right / CELLS * w, bottom: box.top + bottom / CELLS * h};
  }

  function add(kind, element, box) {
    if (seen.has(element)) return;
    const style = getComputedStyle(element);
    if (style.visibility === 'hidden' || style.display === 'none' || +style.opacity < 0.2) return;
    const full = element.getBoundingClientRect();
    box = box || clipped(element);
    const w = box.right - box.left, h = box.bottom - box.top;
    if (w < 4 || h < 4 || w * h < 0.5 * full.width * full.height) return;
    const part = uncovered(element, box);
    if (!part) return;
    seen.add(element);
    found.push([kind, part.left, part.top, part.right, part.bottom]);
  }

  const each = (selector, visit) => document.querySelectorAll(selector).forEach(visit);
  const hasText = element => (element.innerText || '').trim().length > 0;

  // Pages of ours say what a styled box is.
  each('[data-w]', e => add(e.dataset.w, e));
  // jQuery UI.
  each('.ui-dialog-titlebar-close, .ui-datepicker-prev, .ui-datepicker-next, .ui-spinner-button', e => add('icon', e));
  each('.ui-slider-handle', e => add('thumb', e));
  each('.ui-slider', e => add('slider', e));
  each('.ui-menu-item', e => add('option', e));
  each('.ui-tabs-tab, [role=tablist] > li[role=tab]', e => {
    add(e.classList.contains('ui-tabs-active') ? 'tab_on' : 'tab', e);
    e.querySelectorAll('a').forEach(a => seen.add(a));
  });
  each('.ui-accordion-header', e => {
    add('button', e);
    const arrow = e.querySelector('.ui-accordion-header-icon');
    if (arrow) add(e.classList.contains('ui-accordion-header-active') ? 'opened' : 'closed', arrow);
  });
  each('.hitarea', e => {
    // The plugin draws the arrow at the corner of a 16 px box.
    const b = e.getBoundingClientRect();
    add(e.parentElement.classList.contains('expandable') ? 'closed' : 'opened', e,
        {left: b.left, top: b.top, right: b.right, bottom: b.bottom});
  });
  // HTML.
  each('select', e => {
    if (e.size > 1 || e.multiple) e.querySelectorAll('option').forEach(o => add('option', o));
    else add('select', e);
  });
  each('input', e => {
    const kind = e.type;
    if (kind === 'checkbox' || kind === 'radio') add(kind + (e.checked ? '_on' : ''), e);
    else if (kind === 'range') add('slider', e);
    else if (['button', 'submit', 'reset', 'image', 'file', 'color'].includes(kind)) add('button', e);
    else if (kind !== 'hidden') add('text_field', e);
  });
  each('textarea, [contenteditable=true]', e => add('text_field', e));
  each('button, [role=button]', e => {
    if (!e.querySelector('input, button, select, textarea')) add(hasText(e) ? 'button' : 'icon', e);
  });
  each('summary', e => add(e.parentElement.open ? 'opened' : 'closed', e));
  each('[role=tab]', e => add(e.getAttribute('aria-selected') === 'true' ? 'tab_on' : 'tab', e));
  each('a', e => {
    const lines = e.getClientRects();
    if (!hasText(e) || lines.length !== 1) { if (!hasText(e) && lines.length) add('icon', e); return; }
    const {left, top, right, bottom} = lines[0];
    add('link', e, {left, top, right, bottom});
  });
  // A small picture without words: an icon. Underlined words that take clicks: a link.
  [...document.querySelectorAll('span, img, svg, i, div')].reverse().forEach(e => {  // inner ones first
    const style = getComputedStyle(e);
    const drawn = style.backgroundImage.includes('url') || e.tagName === 'IMG' || e.tagName === 'svg';
    if (!drawn && style.cursor !== 'pointer') return;
    if ([...seen].some(s => s.contains(e) || e.contains(s))) return;
    const b = e.getBoundingClientRect();
    const lines = e.getClientRects();
    if (!hasText(e) && b.width <= 52 && b.height <= 52 && !e.closest('.filetree')) add('icon', e);
    else if (hasText(e) && lines.length === 1 && style.textDecorationLine === 'underline') add('link', e);
  });
  return found;
})()
