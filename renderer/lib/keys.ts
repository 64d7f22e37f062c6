import type { MenuName } from '../../preload/contract';

/** A command: what it does, and the keys for it. The palette, the native menu and the sheet of keys are made of these. */
export interface Shortcut {
  /** Its name; one with a name stands in the palette, and the native menu asks by it. */
  id?: string;
  /** The native menu that it stands in. */
  menu?: MenuName;
  /** None for what has no key. As KeyboardEvent.key; "Alt+", "Mod+" (Ctrl, or Command on a Mac) and "Shift+" in front. */
  keys: string[];
  label: string;
  /** The heading it is listed under. */
  group: string;
  run: (event: KeyboardEvent) => void;
  /** Also where a text field has the focus. */
  always?: boolean;
  /** Of a control that reads these keys itself while it has the focus: here only to be listed. */
  listed?: boolean;
}

const isMac = typeof navigator !== 'undefined' && /Mac/.test(navigator.platform);

export function matches(event: KeyboardEvent, key: string): boolean {
  const parts = key.split('+');
  const name = parts.pop() || '+';
  const wants = (modifier: string): boolean => parts.includes(modifier);
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (mod !== wants('Mod') || event.altKey !== wants('Alt')) return false;
  // Punctuation such as "?" needs Shift on some keyboards and not on others: only letters and named keys are particular.
  if ((name.length > 1 || wants('Mod') || wants('Alt')) && event.shiftKey !== wants('Shift')) return false;
  // With Alt some keyboards write another sign.
  return (
    event.key === name ||
    (event.altKey && event.code === `Digit${name}`) ||
    (event.shiftKey && name.length === 1 && event.key === name.toUpperCase() && wants('Shift'))
  );
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
    if (shortcut.listed || (typing && !shortcut.always)) continue;
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
  ' ': 'Space',
  '-': '−',
};

/** "Mod+k" -> ["Ctrl", "K"]. */
export function keyCaps(key: string): string[] {
  const parts = key === '+' ? ['+'] : key.split('+');
  return parts.map((part) => symbols[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}

/** As Electron's menus write the first key that holds Ctrl or Command; null where none does: a menu would take bare letters from every field. */
export function acceleratorOf(keys: readonly string[]): string | null {
  const key = keys.find((each) => /^(Mod|Alt)\+/.test(each));
  if (!key) return null;
  const names: Record<string, string> = {
    Mod: 'CmdOrCtrl',
    ArrowLeft: 'Left',
    ArrowRight: 'Right',
    ArrowUp: 'Up',
    ArrowDown: 'Down',
  };
  return key
    .split('+')
    .map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join('+');
}
