import type { CatalogueModel } from '../../../preload/contract';
import raw from '../../../assets/catalogue.json';
import type { Told } from '../../core/preprocess/config';

/** A network that is known by its SHA-256; assets/catalogue.json holds them. */
export interface CatalogueEntry extends Omit<CatalogueModel, 'path' | 'partial'> {
  labels: string;
  /** [height, width] that it was trained on. */
  size: [number, number];
  preprocessing: Told['numbers'] & { shorter: number };
}

export const catalogueNote = raw.note;
export const catalogueEntries = raw.models as CatalogueEntry[];

export const catalogueEntry = (sha256: string): CatalogueEntry | undefined =>
  catalogueEntries.find((entry) => entry.sha256 === sha256);
