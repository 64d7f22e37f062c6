import type { MethodChoice } from '../../../preload/contract';
import type { Request } from '../../core/program/deconvnet';
import type { Layer } from '../../core/program/network';
import type { Reconstruction } from '../../core/program/reconstructor';
import type { Turn } from '../../core/program/steps';
import type { Model } from '../study/models';
import type { Wanted } from './keys';

/** A layer whose walk back is ready to be made, and where pictures are loaded from. */
export interface Source {
  model: Model;
  layer: Layer;
  method: MethodChoice;
  before: boolean;
  load(picture: number): Promise<Float32Array>;
}

type Accept = (index: number, made: Reconstruction) => void | Promise<void>;

/** Makes some of the wanted ones, by their indices, while the pictures of the next ones are decoded. */
export class Maker {
  private readonly source: Source;
  private readonly wanted: readonly Wanted[];
  private readonly turn: Turn;

  constructor(source: Source, wanted: readonly Wanted[], turn: Turn) {
    this.source = source;
    this.wanted = wanted;
    this.turn = turn;
  }

  /** How many are worth one batch now. */
  worth(): number {
    const { model, layer, method, before } = this.source;
    return model.reconstructor.batch(layer, method, before);
  }

  /** Whether those, which are in one picture, are quicker by one forward pass. */
  shares(indices: readonly number[]): boolean {
    const { model, layer, method, before } = this.source;
    return model.reconstructor.shares(layer, method, before, indices.length);
  }

  /** `alone`: it is waited for, and nothing of the next ones may keep it back. */
  async batch(indices: readonly number[], next: readonly number[], alone: boolean, accept: Accept): Promise<void> {
    const { model, layer, method, before } = this.source;
    const requests = indices.map((index) => this.request(index));
    if (alone) {
      // One more leaves the first a core; with all the others it would come last.
      this.begin(next.slice(0, 1));
      await requests[0];
    }
    this.begin(next.slice(0, this.worth()));
    const made = await model.reconstructor.run(layer, method, before, await Promise.all(requests), this.turn);
    for (const [i, each] of made.entries()) await accept(indices[i]!, each);
  }

  /** Those, which are in one picture, by one forward pass. */
  async shared(indices: readonly number[], next: readonly number[], accept: Accept): Promise<void> {
    const { model, layer, method, before } = this.source;
    const requests = await Promise.all(indices.map((index) => this.request(index)));
    this.begin(next.slice(0, 1));
    const take: Accept = (i, made) => accept(indices[i]!, made);
    await model.reconstructor.runShared(layer, method, before, requests, take, this.turn);
  }

  private async request(index: number): Promise<Request> {
    const { unit, picture, place } = this.wanted[index]!;
    const width = this.source.layer.map[1];
    return { picture: await this.source.load(picture), unit, y: Math.floor(place / width), x: place % width };
  }

  /** Their pictures are decoded meanwhile; who wants them sees what fails. */
  private begin(indices: readonly number[]): void {
    for (const index of indices) this.source.load(this.wanted[index]!.picture).catch(() => undefined);
  }
}
