// Zoom and pan: wheel, drag, pinch and double click.

const WHEEL_SPEED = 0.002;
const DRAG_PX = 4;

// A drag pans, or goes where `scrub` is told; a page that `scrolls` keeps its wheel where zooming
// out further is of no use.
export function listenToGestures(timeline, place, {scrub = null, scrolls = true} = {}) {
  const pointers = new Map();
  let [dragging, moved] = [false, false];
  // A page that scrolls until the timeline lies under a resting mouse must go on scrolling.
  let armed = !scrolls;
  if (scrolls) window.addEventListener('scroll', () => (armed = false), {passive: true});

  const overRows = (event) => timeline.view && (scrub || event.target instanceof HTMLCanvasElement);
  const changed = () => timeline.changed();

  place.addEventListener('pointerdown', (event) => {
    if (!overRows(event) || event.button > 0) return;
    pointers.set(event.pointerId, event.clientX);
    [dragging, moved] = [true, false];
    if (scrub) scrub(timeline.timeAt(event.clientX));
  });

  place.addEventListener('pointermove', (event) => {
    armed = true;
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      const points = !scrub && overRows(event) && event.pointerType !== 'touch';
      if (points) timeline.moveCursor(timeline.timeAt(event.clientX));
      return;
    }
    if (!moved && pointers.size === 1 && Math.abs(event.clientX - before) < DRAG_PX) return;
    if (!moved) place.setPointerCapture(event.pointerId);
    moved = true;
    place.classList.add('dragged');
    const old = [...pointers.values()];
    pointers.set(event.pointerId, event.clientX);
    const now = [...pointers.values()];
    const {view} = timeline;
    if (now.length > 1) pinch(timeline, old, now);
    else if (scrub) return scrub(timeline.timeAt(event.clientX));
    else view.pan(((old[0] - now[0]) / timeline.width) * view.length);
    changed();
  });

  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    place.classList.remove('dragged');
    if (dragging && !moved && !scrub && event.type === 'pointerup') {
      timeline.moveCursor(timeline.timeAt(event.clientX));
    }
    dragging = pointers.size > 0;
  };
  place.addEventListener('pointerup', end);
  place.addEventListener('pointercancel', end);

  place.addEventListener('dblclick', (event) => {
    if (scrub || !overRows(event)) return;
    timeline.view.zoom(3, timeline.timeAt(event.clientX));
    changed();
  });

  place.addEventListener(
    'wheel',
    (event) => {
      if (!overRows(event) || !(armed || event.ctrlKey)) return;
      const pixels = event.deltaMode === 1 ? 18 : 1;
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      const {view} = timeline;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        view.pan(((sideways * pixels) / timeline.width) * view.length);
      } else {
        // Nothing more to see by zooming out: let the page scroll on.
        if (scrolls && event.deltaY > 0 && view.whole && !event.ctrlKey) return;
        const speed = event.ctrlKey ? 5 * WHEEL_SPEED : WHEEL_SPEED;
        view.zoom(Math.exp(-event.deltaY * pixels * speed), timeline.timeAt(event.clientX));
      }
      event.preventDefault();
      changed();
    },
    {passive: false},
  );
}

function pinch(timeline, old, now) {
  const spread = (xs) => Math.max(8, Math.abs(xs[0] - xs[1]));
  const middle = (xs) => (xs[0] + xs[1]) / 2;
  const {view} = timeline;
  view.zoom(spread(now) / spread(old), timeline.timeAt(middle(now)));
  view.pan(((middle(old) - middle(now)) / timeline.width) * view.length);
}
