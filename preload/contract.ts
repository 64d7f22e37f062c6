import * as v from 'valibot';
import type { FigureSpec } from '../main/core/figures/spec';

/**
 * Every call and event between a window (or the command line) and the engine, and between a window and its shell.
 * Desktop, browser host, command line and tests speak this and nothing else. A call is one line in `calls`: its argument
 * schema (checked on the receiving side), and the types of its result and of the items that it streams before it.
 */

// ---- values ---------------------------------------------------------------------------------------------------------

const text = v.pipe(v.string(), v.maxLength(4096));
const index = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The files that a figure can be. */
export const figureKinds = ['png', 'svg', 'pdf', 'npz', 'csv'] as const;
export type FigureKind = (typeof figureKinds)[number];

/** Every unit of a layer in one document: a page for browsers, or pages for print. */
export const atlasKinds = ['html', 'pdf'] as const;
export type AtlasKind = (typeof atlasKinds)[number];

export const methodIds = ['deconvnet', 'guided', 'gradient'] as const;
export type MethodId = (typeof methodIds)[number];

/** What is done where the paper has no rule: at smooth activations (SiLU, GELU, sigmoid ...) and at gates. */
export const smoothRules = ['rectify', 'derivative', 'refuse'] as const;
export type SmoothRule = (typeof smoothRules)[number];

/**
 * The method and its choices. `leaky`: what deconvnet does at a LeakyRelu or ReLU6: rectify strictly, or its own function.
 * `smooth`: what deconvnet and guided backprop do at smooth activations and gates; the gradient knows their derivative.
 */
export const methodSchema = v.object({
  id: v.picklist(methodIds),
  leaky: v.optional(v.picklist(['strict', 'own']), 'strict'),
  smooth: v.optional(v.picklist(smoothRules), 'rectify'),
});
export type MethodChoice = v.InferOutput<typeof methodSchema>;

/**
 * From a decoded picture (8-bit RGB) to the network's input: resize, channel order, then (value * scale - mean) / std per
 * channel, in the order of the network's channels. `background` is what alpha and letterbox bars are drawn over.
 */
export const preprocessingSchema = v.object({
  /** [height, width] of the network's input in px. */
  size: v.tuple([index, index]),
  resize: v.variant('rule', [
    /** The shorter side becomes `shorter` px, then the centre is cut to size. */
    v.object({ rule: v.literal('crop'), shorter: index }),
    v.object({ rule: v.literal('stretch') }),
    v.object({ rule: v.literal('letterbox') }),
  ]),
  /** How resized pixels are worked out, with antialiasing; left out: bilinearly. */
  filter: v.exactOptional(v.literal('bicubic')),
  /** `rgba`: a fourth channel that is 255 everywhere before (value * scale - mean) / std. */
  channels: v.picklist(['rgb', 'bgr', 'gray', 'rgba']),
  scale: v.number(),
  mean: v.array(v.number()),
  std: v.array(v.number()),
  /**
   * A mean for each pixel, taken off beside `mean`: (value * scale - mean - meanImage) / std. Base64 of float32
   * [channels, height, width], little-endian, in the network's order of channels; the file that it came from and its SHA-256.
   */
  meanImage: v.exactOptional(v.object({ file: v.string(), sha256: v.string(), data: v.string() })),
  background: v.tuple([index, index, index]),
});
export type Preprocessing = v.InferOutput<typeof preprocessingSchema>;

/** A list of named preprocessings, each made for an input of [channels, height, width]. */
export interface Preset {
  id: string;
  label: string;
  note: string;
  preprocessing: Preprocessing;
}

/** Where a preprocessing was found: the model itself, a file beside it, the catalogue, the habit of its framework. */
export interface FoundPreset {
  preset: string;
  source: 'model' | 'beside' | 'catalogue' | 'habit';
  /** In words. */
  reason: string;
}

/** A list of classes that fits the network's output. */
export interface LabelList {
  id: string;
  label: string;
  /** Null for a list that is built in. */
  file: string | null;
  count: number;
  reason: string;
}

/** What became of a sample of pictures under one preprocessing, read with one list of labels. */
export interface EvidenceRow {
  preset: string;
  /** Id of the list; null where no list was used. */
  labels: string | null;
  /** Share of the pictures whose folder is the network's first answer, or among its first five, 0..1; null without folders. */
  top1: number | null;
  top5: number | null;
  /** Mean of -log2 of the probability given to the folder's class, in bits; null without folders. */
  surprise: number | null;
  /** Mean entropy of the answers in bits. */
  entropy: number;
  /** Pictures that count for the agreement, and all that were run. */
  labelled: number;
  pictures: number;
}

export interface EvidenceTable {
  /** Best first. */
  rows: EvidenceRow[];
  /** The folders that name a class in some list, with that class, and those that name none. */
  matched: { folder: string; class: string }[];
  unmatched: string[];
  /** What the table can and cannot say, in words. */
  note: string;
  presets: Preset[];
  labelLists: LabelList[];
}

export interface EvidenceProgress {
  done: number;
  total: number;
}

/** A network that can be fetched. */
export interface CatalogueModel {
  id: string;
  name: string;
  file: string;
  bytes: number;
  sha256: string;
  licence: string;
  note: string;
  /** Where it is fetched from; can be changed for a call. */
  address: string;
  /** Where it lies, if it is there and whole; null: not fetched yet. */
  path: string | null;
  /** Bytes of a download that was broken off. */
  partial: number;
}

export interface CatalogueInfo {
  models: CatalogueModel[];
  /** Files put here by hand are found by their content. */
  folder: string;
  note: string;
  /** The proxy that downloads go through; null: none. */
  proxy: string | null;
}

export interface LayerInfo {
  /** The name of the value that the units are taken from; identifies the layer. */
  id: string;
  name: string;
  kind: 'conv' | 'dense' | 'join' | 'pool';
  units: number;
  /** [height, width] of a map; [1, 1] for dense layers. */
  map: [number, number];
  /** Side of the receptive field in px [height, width]; null where a unit sees the whole picture. */
  field: [number, number] | null;
  /** px of input between neighbouring units. */
  stride: [number, number];
  /** The nodes that this layer is made of, for tooltips: "Conv, BatchNormalization, Relu". */
  nodes: string[];
  /** Multiply-adds up to and including this layer, for one picture. */
  macs: number;
  /** Whether a scan covers it (pools are listed only). */
  scanned: boolean;
  /** Why no reconstruction can be made of this layer, in words; null where it can. */
  refused: string | null;
  /** Nodes on its way back for which the paper has no rule (smooth activations, gates): there the method has a choice. */
  assumed: number;
}

export interface ModelInfo {
  path: string;
  name: string;
  bytes: number;
  sha256: string;
  input: { name: string; channels: number; size: [number, number]; freeSize: boolean };
  /** Null, or why batches of one are run. */
  batchOne: string | null;
  layers: LayerInfo[];
  /** Things the user should know: nodes not known, folded batch norms ... */
  notes: string[];
  presets: Preset[];
  /** The preset proposed, and in words why. */
  proposed: { preset: string; reason: string };
  /** All that was found, in the order of trust; the first is the one proposed. */
  found: FoundPreset[];
  labels: { file: string; count: number } | null;
  /** The lists that fit, the one in use first. */
  labelLists: LabelList[];
  /** What the catalogue knows of a file of this SHA-256. */
  known: { name: string; note: string; licence: string } | null;
}

export interface PicturesInfo {
  path: string;
  count: number;
  classes: { name: string; count: number }[];
  /** A few file names, to show what was found. */
  sample: string[];
}

export type ScanPhase = 'none' | 'running' | 'paused' | 'cancelled' | 'done' | 'failed';
export interface ScanState {
  phase: ScanPhase;
  done: number;
  total: number;
  /** Pictures per second over the last seconds; 0 where not known yet. */
  rate: number;
  /** Seconds left; null where not known. */
  left: number | null;
  broken: number;
  /** A file that has not answered for a while: its drive may be away. The scan waits for it. */
  waiting?: string;
  /** In words, with what to do, where it failed. */
  error: ErrorInfo | null;
}

/** Where one of n shards of a scan stands: how many of its pictures are done. */
export interface ShardState {
  index: number;
  done: number;
  total: number;
  complete: boolean;
}

export const settingsSchema = v.object({
  /** Strongest activations kept for each unit. */
  k: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 9),
  /** At most one per picture (as in the paper), or up to k from the same picture. */
  onePerPicture: v.optional(v.boolean(), true),
  /** Units are taken after the layer's rectifier, or before it. */
  before: v.optional(v.boolean(), false),
  /** Pictures in one forward pass; null: chosen by the program. */
  batch: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256))), null),
});
export type Settings = v.InferOutput<typeof settingsSchema>;

export interface BrokenPicture {
  file: string;
  reason: string;
}

export interface StudyInfo {
  /** The study's folder; identifies it on this machine. */
  path: string;
  /** The same for the same model, pictures, preprocessing and settings, wherever they lie: what a link names. */
  id: string;
  name: string;
  demo: boolean;
  created: string;
  model: { path: string; name: string; sha256: string; missing: boolean };
  pictures: { path: string; count: number; classes: string[]; missing: boolean };
  preprocessing: Preprocessing;
  settings: Settings;
  inputChannels: number;
  layers: LayerInfo[];
  scan: ScanState;
  broken: BrokenPicture[];
  /** Class names in the order of the network's output units, where they are known. */
  labels: string[] | null;
  notes: string[];
}

export interface RecentStudy {
  path: string;
  name: string;
  model: string;
  pictures: number;
  opened: string;
  missing: boolean;
}

const tag = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60));
/** What a researcher wrote of a unit; of one that is neither noted, tagged nor pinned nothing is kept. */
export const unitNoteSchema = v.object({
  /** Id of the layer. */
  layer: text,
  unit: index,
  note: v.pipe(v.string(), v.maxLength(20_000)),
  tags: v.pipe(v.array(tag), v.maxLength(50)),
  pinned: v.boolean(),
});
export type UnitNote = v.InferOutput<typeof unitNoteSchema>;

/** One column per figure, one row per unit. */
export interface LayerTable {
  layer: string;
  /** Strongest activation over all pictures. */
  activation: Float32Array;
  /** Share of the pictures on which the unit's maximum is above zero, 0..1. */
  firing: Float32Array;
  /** Mean over the pictures of the unit's maximum. */
  mean: Float32Array;
  /**
   * Class selectivity of Morcos et al. 2018: (max - rest) / (max + rest) of the class means, 0..1; NaN where it is not
   * defined (no classes, activations below zero, a unit that nothing excites).
   */
  selectivity: Float32Array;
  /** The class whose mean is largest, an index into the study's `pictures.classes`; -1: none. */
  bestClass: Int32Array;
}

/** What is known of all units of a layer together. */
export interface LayerSummary {
  layer: string;
  units: number;
  /** Units that no picture drives. */
  silent: number;
  /** Mean over the units of the share of the pictures on which they fire, 0..1: one less the mean sparsity. */
  firing: number;
}

/** A node of the network as it is drawn: a layer with all that belongs to it, or another op. */
export interface GraphNode {
  /** The value that it makes; of a layer its id. */
  id: string;
  name: string;
  kind: LayerInfo['kind'] | 'input' | 'op';
  /** Its ops, in the order of the network. */
  ops: string[];
  layer: string | null;
  /** Index into the graph's blocks; null where it belongs to none. */
  block: number | null;
  /** Of what it makes for one picture: [channels, height, width]; null where nobody knows. */
  shape: number[] | null;
  /** What the method does there, or why it does nothing. */
  rule: string;
  refused: string | null;
}

/** From one node to another, by their places in the list. `back`: the method's signal comes back along it. */
export interface GraphEdge {
  from: number;
  to: number;
  back: boolean;
}

export interface NetworkGraph {
  /** In topological order; the first is the input. */
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** Names of the blocks. */
  blocks: string[];
}

/** [y0, x0, y1, x1) in px of the network's input; may leave the picture. */
export type Box = [number, number, number, number];

export interface TopEntry {
  rank: number;
  picture: number;
  file: string;
  class: string | null;
  activation: number;
  y: number;
  x: number;
  /** What the unit sees; for units that see everything the whole input. */
  box: Box;
  /** Rank of the stronger entry whose picture is nearly the same (by their hashes); absent where there is none. */
  alike?: number;
}

/** Counts of pictures by the unit's maximum: bin i is [start + i * width, start + (i + 1) * width). */
export interface Histogram {
  start: number;
  width: number;
  counts: number[];
}

export interface RuleRow {
  node: string;
  op: string;
  role: string;
  /** What the method does there, in a few words. */
  rule: string;
}

/** One node of a network: what a method does there on the way back, or why it refuses. */
export interface AuditRow extends RuleRow {
  /** The name of the value that the node makes. */
  value: string;
  /** The first layer that the node leads to. */
  layer: string;
  /** Nodes of the file that it was made from, where it is not one itself: a folded batch norm, the pieces of a GELU. */
  parts: string[];
  /** The paper has no rule there: this program's choice is used. */
  assumed: boolean;
  /** Null, or why no signal goes back through it. `rule` is empty then. */
  refused: string | null;
}

export interface ModelAudit {
  /** As it stands on figures. */
  method: string;
  /** In the order of the graph, from the picture on. */
  rows: AuditRow[];
  /** How many scanned layers have reconstructions, and the names of those that have none. */
  layers: { exact: number; refused: string[] };
  notes: string[];
}

export interface UnitDetail {
  layer: string;
  unit: number;
  /** The class name of an output unit, where it is known. */
  label: string | null;
  top: TopEntry[];
  histogram: Histogram;
  firing: number;
  mean: number;
  /** Classes of the top inputs, most frequent first. Empty where the pictures have none. */
  classes: { name: string; count: number }[];
  pictures: number;
}

/** A picture at a quantile of a unit's activation, of the pictures of the study's sample. */
export interface SpreadEntry extends Omit<TopEntry, 'rank' | 'alike'> {
  /** What was asked for, and what the picture stands at: the share of the other pictures that come after it; 0..1. */
  quantile: number;
  exact: number;
}

export interface UnitSpread {
  entries: SpreadEntry[];
  /** Pictures of the sample that count: read, with a finite maximum. */
  pictures: number;
  /** Whether they are all that were scanned. */
  complete: boolean;
}

/** A class's pictures by the unit's maximum: quartiles of the sample (linear between neighbours), mean of all pictures. */
export interface ClassActivation {
  name: string;
  /** Pictures of the sample. */
  pictures: number;
  /** [smallest, lower quartile, median, upper quartile, largest]; null where the sample has none of the class. */
  box: [number, number, number, number, number] | null;
  /** NaN where it is not known. */
  mean: number;
}

export interface UnitClasses {
  /** Highest mean first. */
  classes: ClassActivation[];
  /** Whether means are of all pictures; else of the sample. */
  exact: boolean;
  /** Whether the study has a sample. */
  sampled: boolean;
}

export interface UnitSimilarity {
  /**
   * [units of the layer]. `activations`: Pearson's correlation of the maxima over the sample, -1..1, 0 for a unit that never
   * changes; `tops`: shared pictures over all pictures among the strongest entries of both, 0..1. 1 for the unit itself.
   */
  similarity: Float32Array;
  by: 'activations' | 'tops';
}

/** 8-bit RGBA, row-major. */
export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8Array;
}

/** A reconstruction: signed, row-major [channels, height, width], in the network's own channel order. */
export interface Signal {
  channels: number;
  height: number;
  width: number;
  data: Float32Array;
}

/** Which of a unit's top entries an item belongs to: a running scan may have changed the ranks since they were asked for. */
export interface EntryPlace {
  rank: number;
  picture: number;
  y: number;
  x: number;
}

export interface PatchItem extends EntryPlace {
  patch: Pixels;
}

export interface ReconstructionItem extends Signal, EntryPlace {
  /** As computed now; equals the study's to rounding. */
  activation: number;
}

export interface ReconstructionDone {
  /** How it was computed: on the receptive field only, or on the whole picture. */
  extent: 'cone' | 'picture';
  milliseconds: number;
  /** What was done at each node, from the unit down to the pixels. */
  rules: RuleRow[];
}

export interface RenderProgress {
  done: number;
  total: number;
  /** Seconds left; null where not known yet. */
  left: number | null;
}

export interface RenderDone {
  /** How many reconstructions are ready now. */
  ready: number;
  /** How many of each unit's `of` strongest entries: fewer where all would not fit into the cache. */
  ranks: number;
  of: number;
}

export interface GridItem {
  unit: number;
  patch?: Pixels;
  /** Made smaller to at most `size` px, by averaging. */
  signal?: Signal;
}

export interface PictureView extends Pixels {
  file: string;
  class: string | null;
  /** Size of the original in px, upright. */
  original: { width: number; height: number };
  /** Box of the network's input in px of this picture: [y0, x0, y1, x1]; may leave it where the rule pads. */
  inputBox: Box;
}

/** What the network says of one picture, most likely first. */
export interface PictureClasses {
  /** `class`: the output unit. */
  top: { class: number; label: string | null; probability: number }[];
  /** Whether the probabilities are the network's own, or the softmax of its scores. */
  by: 'network' | 'softmax';
}

/** What one layer makes of one picture, by unit. */
export interface PictureLayer {
  layer: string;
  /** Of each map the largest value and where it stands (row * width + column), and the mean. */
  max: Float32Array;
  place: Int32Array;
  mean: Float32Array;
}

/** One feature map, made smaller to what was asked for by averaging: value = min + byte / 255 * (max - min). */
export interface MapItem {
  unit: number;
  height: number;
  width: number;
  min: number;
  max: number;
  data: Uint8Array;
}

/** One unit at one place of one picture, walked back to the pixels. */
export interface PlaceReconstruction extends Signal {
  activation: number;
  /** What the unit sees there. */
  box: Box;
  /** The picture inside the box. */
  patch: Pixels;
  extent: 'cone' | 'picture';
  milliseconds: number;
}

/** A picture of a study, by its number from 0. */
export interface FoundPicture {
  picture: number;
  file: string;
}

/** How the units of one layer answer to a region: the mean of the map inside it beside that of the whole map, and the place [y, x] of the largest value inside. */
export interface RegionAnswer {
  layer: string;
  /** Places of the map that lie in the region. */
  cells: number;
  units: { unit: number; inside: number; whole: number; y: number; x: number }[];
}

/** Grad-CAM of a class, one value for each place of the layer's map. Not negative. */
export interface ClassMap {
  layer: string;
  class: number;
  height: number;
  width: number;
  data: Float32Array;
}

/** The filters of one layer, by unit. */
export interface FilterTable {
  layer: string;
  /** Conv, ConvTranspose, Gemm or MatMul. */
  op: string;
  units: number;
  /** Channels that each filter reads, and its size [height, width]. */
  inputs: number;
  kernel: [number, number];
  groups: number;
  /** Whether the filters read the picture itself. */
  first: boolean;
  /** Largest |weight| of the layer. */
  peak: number;
  /** Length of each filter as a vector. */
  norm: Float32Array;
  /** Units whose filter is all but zero. */
  dead: number[];
  /** Of each unit the other whose filter is most like its own, and their cosine; null where that is too much to compare. */
  nearest: { unit: Int32Array; cosine: Float32Array } | null;
  /** Cosine with the same unit's filter of the other model; null where none was named or its filters are of another shape. */
  against: Float32Array | null;
}

/** One filter, row-major [inputs, height, width]. `cut`: only its first inputs, there are more than can be shown. */
export interface FilterItem {
  unit: number;
  inputs: number;
  cut: boolean;
  data: Float32Array;
}

export interface FileEntry {
  name: string;
  path: string;
  kind: 'folder' | 'model' | 'study' | 'picture' | 'other';
  bytes: number;
}
export interface FolderListing {
  path: string;
  parent: string | null;
  entries: FileEntry[];
}

/** What ONNX Runtime may compute with beside the processor. */
export const providerIds = ['webgpu', 'cuda', 'directml', 'coreml'] as const;
export type ProviderId = (typeof providerIds)[number];

/**
 * What may run networks. `auto`: ONNX Runtime on the processor where its library loads (there is none for Intel Macs), else
 * TensorFlow.js. `tfjs`: the first of its backends that loads, in the order in which they stand here.
 */
export const runtimeChoices = [
  'auto',
  'onnxruntime',
  ...providerIds,
  'tfjs',
  'tfjs-node',
  'tfjs-wasm',
  'tfjs-cpu',
] as const;
export type RuntimeChoice = (typeof runtimeChoices)[number];

/**
 * What is known of a provider. `fits`: in a process of its own it gave the processor's numbers, of a forward pass, a scan and
 * reconstructions. `absent`: the library was built without it.
 */
export interface ProviderState {
  id: ProviderId;
  label: string;
  state: 'unknown' | 'fits' | 'absent' | 'fails' | 'differs' | 'crashes' | 'hangs';
  /** Why it is not used, in words. */
  reason: string | null;
  /** The largest difference from the processor, by the largest value; null where it gave no numbers. */
  difference: number | null;
  /** A small network's forward pass. */
  milliseconds: { provider: number; processor: number } | null;
}

export interface AppInfo {
  version: string;
  /**
   * What runs networks. `choice`: what was asked for, by the command line (`given`) or in the settings; `note`: why it is
   * not that, or not the usual one.
   */
  runtime: { name: string; threads: number; note: string | null; choice: RuntimeChoice; given: boolean };
  /** The demo study's folder; null where it is not there. */
  demo: string | null;
  /** What the program was started with. */
  initial:
    | { kind: 'study'; path: string }
    | { kind: 'link'; hash: string }
    | { kind: 'new'; model: string; pictures: string }
    | { kind: 'home' };
  home: string;
}

/** Where contrast starts, in the window and in figures: as much is clipped as a level says. */
export const defaultContrast = 1;

/** A figure as data crosses the port as it is; the engine checks it and names the field that is wrong. */
const figureSpec = v.custom<FigureSpec>((value) => typeof value === 'object' && value !== null);
const dpi = v.optional(v.pipe(v.number(), v.minValue(36), v.maxValue(2400)), 300);

/** What of a figure's tiles is there. */
export interface FigureProgress {
  done: number;
  total: number;
}

/** The page as it would be saved. Lengths in pt. */
export interface FigurePreview {
  svg: string;
  width: number;
  height: number;
  /** Side of a tile. */
  tile: number;
  panels: number;
}

/** A figure in a study's folder; `spec` null: it cannot be read, `problem` says why. */
export interface SavedFigure {
  id: string;
  changed: string;
  spec: FigureSpec | null;
  problem: string | null;
}

/** A file of a figure beside what is made from its data now. */
export interface VerifyReport {
  path: string;
  kind: FigureKind | AtlasKind;
  study: string;
  units: number;
  tiles: number;
  same: boolean;
  differences: {
    what:
      | 'model'
      | 'pictures'
      | 'preprocessing'
      | 'settings'
      | 'scan'
      | 'units'
      | 'entries'
      | 'activations'
      | 'tiles'
      | 'method'
      | 'file';
    text: string;
  }[];
  /** Other versions than those it was made with. */
  notes: string[];
}

/** An error as it crosses a port: in words, with what to do. `defect`: not foreseen; `detail` is for a report. */
export interface ErrorInfo {
  code: string;
  message: string;
  hint?: string;
  place?: { file?: string; node?: string; field?: string };
  defect?: boolean;
  detail?: string;
}

// ---- calls ----------------------------------------------------------------------------------------------------------

/** The types of a result and of streamed items ride on the schema; nothing of them exists at run time. */
interface Call<A extends v.GenericSchema, R, I = never> {
  args: A;
  readonly result?: R;
  readonly item?: I;
}
const call =
  <R, I = never>() =>
  <A extends v.GenericSchema>(args: A): Call<A, R, I> => ({ args });

const none = v.optional(v.object({}), {});
const lookValue = v.union([v.string(), v.number(), v.boolean(), v.null()]);
export type LookValue = v.InferOutput<typeof lookValue>;
const study = v.object({ study: text });
const layer = v.object({ study: text, layer: text });
const unit = v.object({ study: text, layer: text, unit: index });
/** A unit's strongest entries, or those of its spread (`rank`: their place there). */
const entries = v.object({ ...unit.entries, of: v.optional(v.picklist(['top', 'spread']), 'top') });
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const shard = v.object({ index: positive, of: positive });
const tileSize = v.pipe(v.number(), v.integer(), v.minValue(8), v.maxValue(1024));
/** A picture of the study by its number, or one that `picture.take` was given by its key. */
const picture = v.object({ study: text, picture: v.union([index, v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))]) });
const units = v.pipe(v.array(index), v.maxLength(4096));
/** A model's file; its input's size where the model leaves that free. */
const modelFile = v.object({ path: text, size: v.optional(v.tuple([index, index])) });

/** Bytes of a picture that is given to the engine: what a frame of the browser host holds. */
export const largestPicture = 15 * 2 ** 20;

/** Calls that the engine answers. */
export const calls = {
  'app.info': call<AppInfo>()(none),
  /** Keeps what shall run networks; the engine starts again with it. */
  'runtime.choose': call<null>()(v.object({ choice: v.picklist(runtimeChoices) })),
  /** What is known of the providers; none is tried. */
  'providers.list': call<ProviderState[]>()(none),
  /** Tries them, each in a process of its own; it can be stopped. */
  'providers.try': call<ProviderState[], { label: string; done: number; total: number }>()(none),
  'recent.list': call<RecentStudy[]>()(none),
  'recent.forget': call<null>()(v.object({ path: text })),
  /** Where a study is: at this path, else of those known the one with this id; null where none is. */
  'study.find': call<string | null>()(v.object({ path: v.optional(text, ''), id: v.optional(text, '') })),
  'study.rename': call<StudyInfo>()(v.object({ study: text, name: v.pipe(text, v.trim(), v.minLength(1)) })),
  /** The model or the pictures are elsewhere now; what is named is checked by its content to be the same. */
  'study.relocate': call<StudyInfo>()(
    v.object({ study: text, model: v.optional(text, ''), pictures: v.optional(text, '') }),
  ),
  /** Moves the study's folder to the program's trash, and back. */
  'study.delete': call<{ trash: string }>()(study),
  'study.restore': call<null>()(v.object({ trash: text, study: text })),
  /** A few of the study's strongest patches, from a cache on disk where they are there. */
  'study.strip': call<{ tiles: Pixels[] }>()(study),
  /** What windows of every host remember of how things are shown. */
  'look.read': call<Record<string, LookValue>>()(none),
  'look.write': call<null>()(v.object({ key: v.pipe(text, v.maxLength(40)), value: lookValue })),
  'files.list': call<FolderListing>()(v.object({ path: v.optional(text, '') })),
  'model.inspect': call<ModelInfo>()(v.object({ path: text, size: v.optional(v.tuple([index, index])) })),
  /** What a method does at each node of a model. */
  'model.audit': call<ModelAudit>()(
    v.object({ path: text, size: v.optional(v.tuple([index, index])), method: methodSchema }),
  ),
  /** Tries the presets and the lists of labels on a sample of pictures. The user decides. */
  'model.evidence': call<EvidenceTable, EvidenceProgress>()(
    v.object({
      path: text,
      pictures: text,
      size: v.optional(v.tuple([index, index])),
      sample: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2000)), 60),
    }),
  ),
  'catalogue.list': call<CatalogueInfo>()(none),
  /** Fetches a network of the catalogue, or goes on with it. `address` empty: the catalogue's. */
  'catalogue.get': call<{ path: string }, { done: number; total: number }>()(
    v.object({ id: text, address: v.optional(text, '') }),
  ),
  'pictures.inspect': call<PicturesInfo>()(v.object({ path: text })),
  /** How the network would see a picture of a folder: for the editor of the preprocessing. */
  'preprocessing.preview': call<PictureView & { network: Pixels }>()(
    v.object({ pictures: text, picture: index, preprocessing: preprocessingSchema }),
  ),
  /** Makes the study's folder and starts its scan. `folder` empty: in the program's own place. */
  'study.create': call<StudyInfo>()(
    v.object({
      model: text,
      pictures: text,
      preprocessing: preprocessingSchema,
      settings: v.optional(settingsSchema, {}),
      /** Id of a list of labels (ModelInfo.labelLists); empty: the first. */
      labels: v.optional(text, ''),
      name: v.optional(text, ''),
      folder: v.optional(text, ''),
      /** Whether the scan starts at once. */
      scan: v.optional(v.boolean(), true),
    }),
  ),
  'study.open': call<StudyInfo>()(v.object({ path: text })),
  'scan.start': call<null>()(study),
  /** Scans the pictures that were added to the folder since, and adds what is found. `added`: how many they are. */
  'scan.grow': call<{ added: number }>()(study),
  /** Scans shard `index` (1 to `of`) into the study's folder, or goes on with it; its progress is told as items. */
  'scan.shard': call<ScanState, ScanState>()(v.object({ ...study.entries, ...shard.entries })),
  'scan.shards': call<ShardState[]>()(v.object({ ...study.entries, of: shard.entries.of })),
  /** Joins shards (files, or studies that hold some) into a study: the one that they lie in, or a new one. */
  'scan.merge': call<StudyInfo>()(v.object({ shards: v.pipe(v.array(text), v.minLength(1)), out: text })),
  /** Lets go of what was found and scans all pictures anew: a study of an earlier program gets what it did not keep. */
  'scan.again': call<null>()(study),
  'scan.pause': call<null>()(study),
  'scan.cancel': call<null>()(study),
  'layer.table': call<LayerTable>()(layer),
  'layer.summaries': call<LayerSummary[]>()(study),
  /** The study's network as it is drawn, with what a method does at each node. */
  'model.graph': call<NetworkGraph>()(v.object({ ...study.entries, method: methodSchema })),
  'unit.detail': call<UnitDetail>()(unit),
  /** Pictures at quantiles of the unit's activation, strongest first; null where the study has no sample. */
  'unit.spread': call<UnitSpread | null>()(unit),
  'unit.classes': call<UnitClasses>()(unit),
  /** How alike the other units of the layer are to this one. */
  'unit.similar': call<UnitSimilarity>()(unit),
  /** The unit's patches, from the original pictures, in the order of rank; `rank`: of that one only. */
  'unit.patches': call<null, PatchItem>()(
    v.object({ ...entries.entries, size: tileSize, rank: v.optional(v.nullable(index), null) }),
  ),
  /** The unit's reconstructions, each as soon as it is there. */
  'unit.reconstructions': call<ReconstructionDone, ReconstructionItem>()(
    v.object({ ...entries.entries, method: methodSchema }),
  ),
  /**
   * The strongest patch or reconstruction of many units, as they come, in the order asked for. `mean`: of each unit's nine
   * strongest the mean patch (of the 8-bit RGB values as they stand, at the network's resolution) and, where the layer has
   * reconstructions, their mean (signed, unscaled).
   */
  'grid.tiles': call<null, GridItem>()(
    v.object({
      ...layer.entries,
      units,
      show: v.picklist(['patch', 'reconstruction', 'both', 'mean']),
      method: methodSchema,
      size: tileSize,
    }),
  ),
  /** What was written of the study's units. */
  'notes.read': call<UnitNote[]>()(study),
  /** Takes the place of what was written of these units, and of these only. */
  'notes.write': call<null>()(
    v.object({ ...study.entries, units: v.pipe(v.array(unitNoteSchema), v.maxLength(10_000)) }),
  ),
  /** The notes as a CSV file: its bytes, or, where a path is given, written there. */
  'notes.export': call<{ bytes: Uint8Array; path: string | null }>()(
    v.object({ ...study.entries, path: v.optional(text, '') }),
  ),
  /** Makes reconstructions of all units of a layer while nothing else is to be done, so that they come back at once. */
  'layer.render': call<RenderDone, RenderProgress>()(v.object({ ...layer.entries, method: methodSchema })),
  /** A whole picture: the original, or as the network saw it (its input, shown again as colours). */
  'picture.view': call<PictureView>()(
    v.object({ ...picture.entries, as: v.picklist(['original', 'network']), size: tileSize }),
  ),
  /** Pictures of the study whose path holds the text, whatever its case; before them the one of that number, counted from 1. */
  'picture.find': call<FoundPicture[]>()(
    v.object({ ...study.entries, text: v.optional(text, ''), count: v.pipe(positive, v.maxValue(1000)) }),
  ),
  /** Takes a picture that is not in the study (its file's bytes), and keeps it for as long as few others follow. */
  'picture.take': call<{ key: string }>()(
    v.object({
      study: text,
      name: text,
      bytes: v.pipe(
        v.instance(Uint8Array),
        v.check(({ length }) => length <= largestPicture, 'The picture is larger than 15 MB.'),
      ),
    }),
  ),
  'picture.classes': call<PictureClasses | null>()(v.object({ ...picture.entries, count: positive })),
  'picture.layer': call<PictureLayer>()(v.object({ ...picture.entries, layer: text })),
  /** The maps of units of a layer, in the order asked for. */
  'picture.maps': call<null, MapItem>()(v.object({ ...picture.entries, layer: text, units, size: tileSize })),
  /** Reconstructs a unit at a place of a picture. `times`: the signal is multiplied by the input. */
  'picture.unit': call<PlaceReconstruction>()(
    v.object({
      ...picture.entries,
      layer: text,
      unit: index,
      y: index,
      x: index,
      method: methodSchema,
      times: v.optional(v.boolean(), false),
      /** Side of the patch. */
      size: tileSize,
    }),
  ),
  /** Layer by layer the units that answer most to a region (in px of the network's input). */
  'picture.region': call<null, RegionAnswer>()(
    v.object({
      ...picture.entries,
      region: v.tuple([v.number(), v.number(), v.number(), v.number()]),
      count: v.pipe(positive, v.maxValue(100)),
    }),
  ),
  /** Grad-CAM. `layer` empty: the last one with places before the classes. */
  'picture.cam': call<ClassMap>()(v.object({ ...picture.entries, class: index, layer: v.optional(text, '') })),
  /** Numbers of a layer's filters; beside another model's where `other` names one. */
  'filters.layer': call<FilterTable, { done: number; total: number }>()(
    v.object({ ...modelFile.entries, layer: text, other: v.optional(v.object({ ...modelFile.entries, layer: text })) }),
  ),
  'filters.tiles': call<null, FilterItem>()(v.object({ ...modelFile.entries, layer: text, units })),
  /** The page that a figure would be, with its pictures at so many dpi. */
  'figure.preview': call<FigurePreview, FigureProgress>()(v.object({ study: text, spec: figureSpec, dpi })),
  /** A figure as a file: its bytes, or, where a path is given, written there. */
  'figure.make': call<{ bytes: Uint8Array; path: string | null }, FigureProgress>()(
    v.object({ study: text, spec: figureSpec, kind: v.picklist(figureKinds), dpi, path: v.optional(text, '') }),
  ),
  /** The figures that are saved in a study. */
  'figure.list': call<SavedFigure[]>()(study),
  /** Saves a figure in its study; an empty id: a new one, named after it. */
  'figure.save': call<{ id: string }>()(v.object({ study: text, id: v.optional(text, ''), spec: figureSpec })),
  'figure.remove': call<null>()(v.object({ study: text, id: text })),
  /** The figure in a JSON file or in a file that was made from one. */
  'figure.spec': call<FigureSpec>()(v.object({ path: text })),
  /** Every unit of a layer: its bytes, or, where a path is given, written there. */
  'atlas.make': call<{ bytes: Uint8Array; path: string | null }, FigureProgress>()(
    v.object({
      ...layer.entries,
      method: methodSchema,
      scale: v.optional(v.picklist(['own', 'shared']), 'shared'),
      contrast: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(20)), defaultContrast),
      kind: v.picklist(atlasKinds),
      path: v.optional(text, ''),
    }),
  ),
  /** Makes a file of a figure or of an atlas again and compares. `study` empty: looked for. */
  'figure.verify': call<VerifyReport, FigureProgress>()(v.object({ path: text, study: v.optional(text, '') })),
} as const;

export const menuNames = ['file', 'edit', 'view', 'go', 'window', 'help'] as const;
export type MenuName = (typeof menuNames)[number];
const word = v.pipe(v.string(), v.maxLength(120));
/** The native menu in the window's language: the window knows its commands, the system's own items are the shell's. */
export const menuSchema = v.object({
  titles: v.object({ file: word, edit: word, view: word, go: word, window: word, help: word }),
  roles: v.record(word, word),
  items: v.pipe(
    v.array(v.object({ id: word, label: word, menu: v.picklist(menuNames), accelerator: v.nullable(word) })),
    v.maxLength(200),
  ),
});
export type MenuModel = v.InferOutput<typeof menuSchema>;

/** Calls that the shell around the window answers (dialogs and the like); the browser host has none of them. */
export const shellCalls = {
  'shell.pickModel': call<string | null>()(none),
  'shell.pickFolder': call<string | null>()(v.object({ title: text })),
  'shell.pickSave': call<string | null>()(v.object({ name: text })),
  /** Puts a PNG on the clipboard. */
  'shell.copyPicture': call<null>()(v.object({ png: v.instance(Uint8Array) })),
  'shell.reveal': call<null>()(v.object({ path: text })),
  /** Moves a folder out of the program's trash into the system's. */
  'shell.trash': call<null>()(v.object({ path: text })),
  'shell.setMenu': call<null>()(menuSchema),
  'shell.setTheme': call<null>()(v.object({ theme: v.picklist(['system', 'light', 'dark']) })),
} as const;

export type Calls = typeof calls;
export type ShellCalls = typeof shellCalls;
type AnyCalls = Calls & ShellCalls;
export type CallName = keyof Calls;
export type ShellCallName = keyof ShellCalls;

/** What a caller passes (defaults may be left out), what a handler gets, and what comes back. */
export type ArgsIn<K extends keyof AnyCalls> = v.InferInput<AnyCalls[K]['args']>;
export type ArgsOf<K extends keyof AnyCalls> = v.InferOutput<AnyCalls[K]['args']>;
export type ResultOf<K extends keyof AnyCalls> =
  AnyCalls[K] extends Call<v.GenericSchema, infer R, unknown> ? R : never;
export type ItemOf<K extends keyof AnyCalls> = AnyCalls[K] extends Call<v.GenericSchema, unknown, infer I> ? I : never;

// ---- events ---------------------------------------------------------------------------------------------------------

/** What the engine tells of its own accord. */
export interface Events {
  'scan.progress': { study: string; scan: ScanState };
  /** Numbers of a study changed (more pictures scanned): ask again for what is on the screen. */
  'study.changed': { study: string };
  /** What was written of these units, by whichever window. */
  'notes.changed': { study: string; units: UnitNote[] };
}
export type EventName = keyof Events;

/** What a host tells its window: the engine's state, and what the native menu or the system asked for. */
export interface HostEvents {
  'engine.state': { state: 'ready' | 'restarting' | 'gone'; message: string };
  'menu.command': { command: string };
  'open.paths': { paths: string[] };
  /** A link was followed: the window's hash for it. */
  'open.link': { hash: string };
}
