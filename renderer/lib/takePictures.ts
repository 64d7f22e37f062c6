type Taker = (file: File) => void;
let taker: Taker | null = null;

/** While a view shows single pictures, those that are dropped or pasted are for it. Returns how it stops. */
export function takePictures(take: Taker): () => void {
  taker = take;
  return () => {
    if (taker === take) taker = null;
  };
}

/** Whether single pictures are taken now. */
export const pictureTaken = (): boolean => taker !== null;

/** Gives the first picture among these files to whom it is for; false where nobody takes it or there is none. */
export function givePicture(files: Iterable<File>): boolean {
  const picture = [...files].find((file) => file.type.startsWith('image/'));
  if (!taker || !picture) return false;
  taker(picture);
  return true;
}
