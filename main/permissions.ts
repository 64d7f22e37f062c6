/** What the window's pages may use of the machine: the camera, if its user asks for it, and nothing else. */

/** A question of the browser's: what for, from which page, for which kinds of media. */
interface Question {
  permission: string;
  /** The address of the page, or its origin. */
  page: string;
  media: readonly (string | undefined)[];
}

/** `home`: where the window's own pages lie. The microphone is a medium as well: a question for both is refused. */
export const mayUse = ({ permission, page, media }: Question, home: string): boolean =>
  permission === 'media' &&
  (page === home || page.startsWith(home) || `${page}/` === home) &&
  media.length > 0 &&
  media.every((each) => each === 'video');
