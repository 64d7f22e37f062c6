import { cp, mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError } from '../../../main/core/errors';
import { listPictures, pictureFile } from '../../../main/engine/pictures/dataset';
import { makeFolder } from './support';

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => ({ folder, remove } = await makeFolder()));
afterEach(() => remove());

async function put(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), name);
  }
}

describe('listPictures', () => {
  it('takes the first folder as the class, and lists in code-unit order', async () => {
    await put('b/2.png', 'b/10.png', 'a/x/deep/1.JPG', 'a/Z.jpeg', 'loose.webp', 'B/1.tif', 'ä/1.gif', 'a.b/1.bmp');
    const { root, files, classes, classOf } = await listPictures(folder);
    expect(root).toBe(folder);
    expect(files).toEqual(['B/1.tif', 'a.b/1.bmp', 'a/Z.jpeg', 'a/x/deep/1.JPG', 'b/10.png', 'b/2.png', 'loose.webp', 'ä/1.gif']); // prettier-ignore
    expect(classes).toEqual(['B', 'a', 'a.b', 'b', 'ä']);
    expect([...classOf].map((index) => classes[index] ?? null)).toEqual(['B', 'a.b', 'a', 'a', 'b', 'b', null, 'ä']);
  });

  it('has no classes where no picture lies in a folder', async () => {
    await put('2.png', '1.png', 'notes.txt', 'empty/readme.md');
    expect(await listPictures(folder)).toMatchObject({ files: ['1.png', '2.png'], classes: [] });
  });

  it('passes over hidden files, other files, and folders that are called like pictures', async () => {
    await put(
      'a/1.png',
      '.hidden.png',
      '.git/2.png',
      'a/._1.png',
      'a/thumbs.db',
      'png',
      'a/jpg.txt',
      'folder.png/3.png',
    );
    expect((await listPictures(folder)).files).toEqual(['a/1.png', 'folder.png/3.png']);
  });

  it('follows links to pictures and folders, but not in circles nor to nowhere', async () => {
    await put('real/1.png', 'x/2.png');
    await symlink(join(folder, 'real'), join(folder, 'linked'));
    await symlink(join(folder, 'real/1.png'), join(folder, 'x/link.png'));
    await symlink(folder, join(folder, 'x/round'));
    await symlink(join(folder, 'x'), join(folder, 'x/self.png'));
    await symlink(join(folder, 'nowhere.png'), join(folder, 'dead.png'));
    expect((await listPictures(folder)).files).toEqual(['linked/1.png', 'real/1.png', 'x/2.png', 'x/link.png']);
  });

  it('identifies the same pictures wherever and whenever they were copied, and nothing else', async () => {
    await put('a/1.png', 'b/2.png');
    const { identity } = await listPictures(folder);
    const other = await makeFolder();
    await cp(folder, other.folder, { recursive: true });
    await utimes(join(other.folder, 'a/1.png'), 1, 1);
    expect((await listPictures(other.folder)).identity).toBe(identity);
    await other.remove();
    const changed = async (change: () => Promise<void>): Promise<void> => {
      const before = (await listPictures(folder)).identity;
      await change();
      expect((await listPictures(folder)).identity).not.toBe(before);
    };
    await changed(() => put('a/3.png'));
    await changed(() => writeFile(join(folder, 'a/1.png'), 'of another size'));
    await changed(() => rename(join(folder, 'a/1.png'), join(folder, 'a/0.png')));
    await changed(() => rename(join(folder, 'a'), join(folder, 'c')));
  });

  it('says what is wrong, and what to do', async () => {
    await expect(listPictures(join(folder, 'gone'))).rejects.toMatchObject({
      name: 'UnpoolError',
      code: 'no-folder',
      hint: expect.any(String),
      place: { file: join(folder, 'gone') },
    });
    await put('notes.txt');
    await expect(listPictures(join(folder, 'notes.txt'))).rejects.toMatchObject({ code: 'no-folder' });
    await expect(listPictures(folder)).rejects.toMatchObject({
      code: 'no-pictures',
      hint: expect.stringMatching('webp'),
    });
  });

  it('can be cancelled', async () => {
    await put('1.png');
    await expect(listPictures(folder, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(CancelledError);
  });

  it('names a picture by its number', async () => {
    await put('a/1.png');
    const dataset = await listPictures(folder);
    expect(pictureFile(dataset, 0)).toBe(join(folder, 'a/1.png'));
    expect(() => pictureFile(dataset, 1)).toThrow('no picture 1');
  });
});
