/** A key or several, what they do, and whether it can be done now. */
export interface Shortcut {
  /** By which the native menu asks for it. */
  id?: string;
  /** As KeyboardEvent.key; "Alt+", "Mod+" (Ctrl, or Command on a Mac) and "Shift+" in front. */
  keys: string[];
  label: string;
  /** The heading it is listed under. */
  group: string;
  run: (event: KeyboardEvent) => void;
  /** Also where a text field has the focus. */
  always?: boolean;
}

const isMac = typeof navigator !== 'undefined' && /Mac/.test(navigator.platform);

export function matches(event: KeyboardEvent, key: string): boolean {
  const parts = key.split('+');
  const name = parts.pop() || '+';
  const wants = (modifier: string): boolean => parts.includes(modifier);
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (mod !== wants('Mod') || event.altKey !== wants('Alt')) return false;
  // Punctuation such as "?" needs Shift on some keyboards and not on others: only letters and named keys are particular.
  if (name.length > 1 && event.shiftKey !== wants('Shift')) return false;
  return event.key === name;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Enter and Space belong to what has the focus, where that is something to press. */
function isPressing(event: KeyboardEvent): boolean {
  if (event.key !== 'Enter' && event.key !== ' ') return false;
  return event.target instanceof Element && event.target.closest('button, a, [role="button"]') !== null;
}

/** Runs the shortcut that an event stands for, if any. Events that a control has already used are left alone. */
export function dispatch(event: KeyboardEvent, shortcuts: readonly Shortcut[]): boolean {
  if (event.defaultPrevented || event.isComposing || isPressing(event)) return false;
  const typing = isTyping(event.target);
  for (const shortcut of shortcuts) {
    if (typing && !shortcut.always) continue;
    if (shortcut.keys.some((key) => matches(event, key))) {
      event.preventDefault();
      shortcut.run(event);
      return true;
    }
  }
  return false;
}

const symbols: Record<string, string> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  PageUp: 'Page Up',
  PageDown: 'Page Down',
  Escape: 'Esc',
  Mod: isMac ? '⌘' : 'Ctrl',
};

/** "Mod+k" -> ["Ctrl", "K"]. */
export function keyCaps(key: string): string[] {
  const parts = key === '+' ? ['+'] : key.split('+');
  return parts.map((part) => symbols[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
