/** A notch of a mouse wheel is no more than this, in px of a pinch. */
const notch = 22;
const perPx = 0.01;

/** By how much a turn of the wheel with Ctrl, or two fingers on a touchpad, which come as one, magnify. */
export function pinchOf({ deltaY, deltaMode }: Pick<WheelEvent, 'deltaY' | 'deltaMode'>): number {
  const px = deltaY * (deltaMode === 1 ? 16 : 1);
  return Math.exp(-Math.max(-notch, Math.min(notch, px)) * perPx);
}

type Place = Pick<PointerEvent, 'clientX' | 'clientY'>;

/**
 * Two fingers on the screen. Handlers for the pointer's events of an element (whose `touch-action` leaves pinching to the
 * page): `change` gets by how much they magnify since the last time, and the point between them where they began.
 */
export function touchPinch(change: (by: number, at: Place) => void, end: () => void) {
  const fingers = new Map<number, Place>();
  let apart = 0;
  let at: Place = { clientX: 0, clientY: 0 };
  const measure = (): number => {
    const [a, b] = [...fingers.values()];
    return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
  };
  function down(event: PointerEvent): void {
    if (event.pointerType !== 'touch') return;
    fingers.set(event.pointerId, event);
    if (fingers.size !== 2) return;
    const [a, b] = [...fingers.values()] as [Place, Place];
    at = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
    apart = measure();
  }
  function move(event: PointerEvent): void {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event);
    if (fingers.size !== 2 || apart === 0) return;
    const now = measure();
    change(now / apart, at);
    apart = now;
  }
  function up(event: PointerEvent): void {
    if (fingers.delete(event.pointerId) && fingers.size === 1) end();
  }
  return { down, move, up };
}
