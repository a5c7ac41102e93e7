// Zoom and pan: wheel, drag, pinch, double click and keyboard.

const WHEEL_SPEED = 0.0018;
const DRAG_PX = 4;

function listenToGestures(timeline, {onStep}) {
  const {place} = timeline;
  const pointers = new Map();
  let [dragging, moved] = [false, false];
  // A page that scrolls until the timeline lies under a resting mouse must go on scrolling.
  let armed = false;
  window.addEventListener('scroll', () => (armed = false), {passive: true});

  const overRows = (event) => event.target instanceof HTMLCanvasElement;
  const changed = () => timeline.changed();

  place.addEventListener('pointerdown', (event) => {
    if (!overRows(event) || event.button > 0) return;
    pointers.set(event.pointerId, event.clientX);
    [dragging, moved] = [true, false];
  });

  place.addEventListener('pointermove', (event) => {
    armed = true;
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      if (overRows(event) && event.pointerType !== 'touch') timeline.moveCursor(timeline.timeAt(event.clientX));
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
    if (now.length === 1) view.pan(((old[0] - now[0]) / timeline.width) * view.length);
    else pinch(timeline, old, now);
    changed();
  });

  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    place.classList.remove('dragged');
    if (dragging && !moved && event.type === 'pointerup') {
      timeline.moveCursor(timeline.timeAt(event.clientX));
    }
    dragging = pointers.size > 0;
  };
  place.addEventListener('pointerup', end);
  place.addEventListener('pointercancel', end);

  place.addEventListener('dblclick', (event) => {
    if (!overRows(event)) return;
    timeline.view.zoom(3, timeline.timeAt(event.clientX));
    changed();
  });

  place.addEventListener(
    'wheel',
    (event) => {
      if (!overRows(event) || !(armed || event.ctrlKey)) return;
      const pixels = event.deltaMode === 1 ? 18 : 1;
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      const {view} = timeline;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        view.pan(((sideways * pixels) / timeline.width) * view.length);
      } else {
        // Nothing more to see by zooming out: let the page scroll on.
        if (event.deltaY > 0 && view.whole && !event.ctrlKey) return;
        const speed = event.ctrlKey ? 5 * WHEEL_SPEED : WHEEL_SPEED;
        view.zoom(Math.exp(-event.deltaY * pixels * speed), timeline.timeAt(event.clientX));
      }
      event.preventDefault();
      changed();
    },
    {passive: false},
  );

  place.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!pressed(timeline, event, onStep)) return;
    event.preventDefault();
    changed();
  });
}

function pinch(timeline, old, now) {
  const spread = (xs) => Math.max(8, Math.abs(xs[0] - xs[1]));
  const middle = (xs) => (xs[0] + xs[1]) / 2;
  const {view} = timeline;
  view.zoom(spread(now) / spread(old), timeline.timeAt(middle(now)));
  view.pan(((middle(old) - middle(now)) / timeline.width) * view.length);
}

function pressed(timeline, event, onStep) {
  const {view} = timeline;
  const direction = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
  if (direction && event.shiftKey) view.pan((direction * view.length) / 4);
  else if (direction) timeline.step(direction);
  else if (event.key === '+' || event.key === '=') view.zoom(1.6, timeline.cursor);
  else if (event.key === '-') view.zoom(1 / 1.6, timeline.cursor);
  else if (event.key === '0') view.set(0, view.seconds);
  else if (event.key === 'Home') timeline.moveCursor(0, {reveal: true});
  else if (event.key === 'End') timeline.moveCursor(view.seconds, {reveal: true});
  else if (!onStep(event.key)) return false;
  return true;
}
