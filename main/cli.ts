import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import {
  smoothRules,
  defaultContrast,
  figureKinds,
  methodIds,
  runtimeChoices,
  type AppInfo,
  type LayerInfo,
} from '../preload/contract';
import { RpcError } from '../preload/rpc';
import { version } from '../package.json';
import { merge, scanOnCluster, type ClusterOptions } from './commands/cluster';
import { atlas, figure, verify, type AtlasOptions, type FigureOptions } from './commands/figure';
import { processors } from './commands/processors';
import { scan, shardOf } from './commands/scan';
import {
  absolute,
  engineFor,
  interrupted,
  interruptible,
  line,
  megabytes,
  methodFrom,
  Misused,
  pictureSize,
  positive,
  print,
  say,
  Told,
  whole,
  withEngine,
  words,
  type MethodOptions,
  unlessStopped,
} from './commands/shared';
import { figureLanguages } from './core/figures/spec';
import { startDesktop } from './launch';
import { demoFolder, rendererFolder } from './places';
import { serve } from './serve';

/** Words that mean the command line when the installed program is given them. */
export const commandNames: readonly string[] = [
  'scan',
  'merge',
  'audit',
  'find',
  'get',
  'figure',
  'verify',
  'atlas',
  'layers',
  'processors',
  'serve',
  'help',
  '--help',
  '-h',
  '--version',
  '-V',
];

const collect = (line: string, lines: string[]): string[] => [...lines, line];
const portNumber = (text: string): number => {
  if (whole(text) > 65535) throw new InvalidArgumentError('A port is at most 65535.');
  return whole(text);
};
const decimal = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('A number is needed.');
  return value;
};
const oneOf =
  <T extends string>(...choices: readonly T[]) =>
  (text: string): T => {
    const choice = choices.find((each) => each === text);
    if (!choice) throw new InvalidArgumentError(`One of ${choices.join(', ')} is needed.`);
    return choice;
  };

// ---- layers ---------------------------------------------------------------------------------------------------------

async function layers(model: string, options: { json?: boolean; size?: [number, number] }): Promise<number> {
  return withEngine(async (client) => {
    const { size } = options;
    const info = await client.call('model.inspect', {
      path: absolute(model),
      ...(size && { size }),
    });
    if (options.json) {
      print(JSON.stringify(info, null, 2));
      return 0;
    }
    print(
      `${info.name}: input ${info.input.channels} × ${info.input.size.join(' × ')}${info.input.freeSize ? ' (size is free)' : ''}`,
    );
    print(table(info.layers));
    for (const note of info.notes) print(note);
    return 0;
  });
}

function table(all: readonly LayerInfo[]): string {
  const rows = [
    ['layer', 'kind', 'units', 'map', 'sees', 'stride', ''],
    ...all.map((layer) => [
      layer.name,
      layer.kind,
      String(layer.units),
      layer.map.join('×'),
      layer.field ? `${layer.field.join('×')} px` : 'everything',
      layer.field ? String(layer.stride[0]) : '',
      layer.refused ?? '',
    ]),
  ];
  return columns(rows, [2, 3, 4, 5]);
}

/** A table as text; the last column is left as it is, those named stand at the right. */
function columns(rows: readonly string[][], right: readonly number[] = []): string {
  const last = rows[0]!.length - 1;
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => (column === last ? 0 : row[column]!.length))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

// ---- find -----------------------------------------------------------------------------------------------------------

interface FindOptions {
  sample: number;
  size?: [number, number];
  json?: boolean;
}

async function find(model: string, pictures: string, options: FindOptions): Promise<number> {
  return withEngine(async (client) => {
    const signal = interruptible();
    const size = options.size && { size: options.size };
    const info = await client.call('model.inspect', { path: absolute(model), ...size });
    const result = await unlessStopped(
      signal,
      client.call(
        'model.evidence',
        { path: absolute(model), pictures: absolute(pictures), size: info.input.size, sample: options.sample },
        { signal, onItem: ({ done, total }) => line(`${done} of ${total} pictures`) },
      ),
    );
    line('');
    if (!result) return interrupted;
    if (options.json) {
      print(JSON.stringify(result, null, 2));
      return 0;
    }
    const nameOf = (id: string): string => info.presets.find((preset) => preset.id === id)?.label ?? id;
    for (const { source, preset, reason } of info.found) print(`${sourceNames[source]}: ${nameOf(preset)}. ${reason}`);
    print('');
    const share = (value: number | null): string => (value === null ? '' : `${(100 * value).toFixed(0)} %`);
    print(
      columns(
        [
          ['preset', 'preprocessing', 'top-1', 'top-5', 'surprise', 'entropy', 'pictures', 'labels'],
          ...result.rows.map((row) => [
            row.preset,
            nameOf(row.preset),
            share(row.top1),
            share(row.top5),
            row.surprise === null ? '' : `${row.surprise.toFixed(2)} bit`,
            `${row.entropy.toFixed(2)} bit`,
            String(row.labelled || row.pictures),
            result.labelLists.find(({ id }) => id === row.labels)?.label ?? '',
          ]),
        ],
        [2, 3, 4, 5, 6],
      ),
    );
    print('');
    print(result.note);
    if (result.unmatched.length) print(`Folders that name no class: ${result.unmatched.join(', ')}.`);
    return 0;
  });
}

const sourceNames = {
  model: 'In the model',
  beside: 'Beside the model',
  catalogue: 'In the catalogue',
  habit: 'Habit',
} as const;

// ---- get ------------------------------------------------------------------------------------------------------------

async function get(name: string | undefined, options: { from?: string; json?: boolean }): Promise<number> {
  return withEngine(async (client) => {
    const catalogue = await client.call('catalogue.list', {});
    if (!name) {
      if (options.json) print(JSON.stringify(catalogue, null, 2));
      else {
        print(
          columns(
            [
              ['name', 'network', 'size', 'licence', ''],
              ...catalogue.models.map(({ id, name: title, bytes, licence, path: at }) => [
                id,
                title,
                megabytes(bytes),
                licence,
                at ?? '',
              ]),
            ],
            [2],
          ),
        );
        print(`\n"unpool get NAME" fetches one. A file that was fetched by hand: put it into ${catalogue.folder}`);
      }
      return 0;
    }
    const signal = interruptible();
    const got = await unlessStopped(
      signal,
      client.call(
        'catalogue.get',
        { id: name, address: options.from ?? '' },
        { signal, onItem: ({ done, total }) => line(`${megabytes(done)} of ${megabytes(total)}`) },
      ),
    );
    line('');
    if (!got) {
      say('Stopped. The same command goes on.');
      return interrupted;
    }
    print(options.json ? JSON.stringify(got) : got.path);
    return 0;
  });
}

// ---- audit ----------------------------------------------------------------------------------------------------------

interface AuditOptions extends MethodOptions {
  json?: boolean;
  size?: [number, number];
}

async function audit(model: string, options: AuditOptions): Promise<number> {
  return withEngine(async (client) => {
    const { size } = options;
    const result = await client.call('model.audit', {
      path: absolute(model),
      ...(size && { size }),
      method: methodFrom(options),
    });
    if (options.json) {
      print(JSON.stringify(result, null, 2));
      return 0;
    }
    const { rows, layers } = result;
    print(`${path.basename(model)}: ${result.method}\n`);
    print(
      columns([
        ['layer', 'node', 'op', 'role', 'on the way back'],
        ...rows.map((row, i) => [
          row.layer === rows[i - 1]?.layer ? '' : row.layer,
          row.parts.length ? row.parts.join(' + ') : row.node,
          row.op,
          row.role,
          row.refused === null ? row.rule : `REFUSED: ${row.refused}`,
        ]),
      ]),
    );
    const assumed = rows.filter((row) => row.assumed && row.refused === null).length;
    print(
      `\n${layers.exact} of ${layers.exact + layers.refused.length} layers have reconstructions${
        assumed
          ? `; at ${assumed} ${assumed === 1 ? 'node' : 'nodes'} the paper has no rule, and the chosen one is used (--smooth)`
          : ''
      }.`,
    );
    if (layers.refused.length) print(`Refused: ${layers.refused.join(', ')}.`);
    for (const note of result.notes) print(note);
    return 0;
  });
}

// ---- methods ---------------------------------------------------------------------------------------------------------

const methodOption = new Option('-m, --method <method>', methodIds.join(', '))
  .argParser(oneOf(...methodIds))
  .default('deconvnet');
const leakyOption = new Option('--leaky <rule>', 'deconvnet at leaky rectifiers: strict or own')
  .argParser(oneOf('strict', 'own'))
  .default('strict');
const smoothOption = new Option('--smooth <rule>', `at smooth activations and gates: ${smoothRules.join(', ')}`)
  .argParser(oneOf(...smoothRules))
  .default('rectify');

// ---- serve and start ------------------------------------------------------------------------------------------------

/** What the words after a command mean: a study, or a model and pictures. */
function initialOf(paths: readonly string[], fallback: AppInfo['initial']): AppInfo['initial'] {
  const [first, second] = paths;
  if (!first) return fallback;
  if (second) return { kind: 'new', model: absolute(first), pictures: absolute(second) };
  if (existsSync(path.join(absolute(first), 'study.json'))) return { kind: 'study', path: absolute(first) };
  if (existsSync(absolute(first)) && path.extname(first)) return { kind: 'new', model: absolute(first), pictures: '' };
  throw new Told(`${first} is neither a study (a folder with study.json) nor a model.`);
}

async function serveBrowser(initial: AppInfo['initial'], port: number): Promise<number> {
  const engine = engineFor(initial);
  engine.onState((state) => say(state.message));
  try {
    const host = await serve(engine, rendererFolder, port);
    print(`Unpool is at ${host.address}`);
    say('Ctrl-C ends it.');
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
    await host.close();
    return 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      throw new Told(`Port ${port} is taken. Choose another with --port.`);
    throw error;
  } finally {
    await engine.stop();
  }
}

async function start(paths: readonly string[]): Promise<number> {
  const demo = demoFolder();
  const initial = initialOf(paths, demo ? { kind: 'study', path: demo } : { kind: 'home' });
  const desktop = await startDesktop(path.resolve(__dirname, '../..'), [`--initial=${JSON.stringify(initial)}`]);
  if (desktop.started) return desktop.code;
  say(`No window: ${desktop.why}. Opening Unpool for the browser instead.`);
  return serveBrowser(initial, 0);
}

// ---- the program ----------------------------------------------------------------------------------------------------

function program(finish: (code: number) => void): Command {
  const unpool = new Command('unpool')
    .description('See what every unit of a trained convolutional network looks for.')
    .version(version)
    .showHelpAfterError('Try "unpool --help".')
    .addOption(
      new Option('--runtime <library>', 'what runs networks; left out, as the settings say')
        .choices(runtimeChoices)
        .env('UNPOOL_RUNTIME'),
    )
    // The window's engine is started elsewhere, from the same variable.
    .hook('preAction', (command) => {
      const { runtime } = command.opts<{ runtime?: string }>();
      if (runtime !== undefined) process.env['UNPOOL_RUNTIME'] = runtime;
    })
    .addHelpText(
      'after',
      `
Examples:
  unpool                                               the window, on the demo study
  unpool start model.onnx photos/                      the window, with your network and pictures
  unpool layers model.onnx                             what is in a network
  unpool scan model.onnx photos/ -o my-study           nine strongest inputs of every unit
  unpool figure my-study --layer conv4 --unit 17 -o unit.png
  unpool serve my-study                                the same window, in a browser

Every command has its own help: unpool scan --help`,
    );

  unpool
    .command('start', { isDefault: true })
    .description('open the window (the demo, a study, or a model and a folder of pictures)')
    .argument('[paths...]', 'STUDY, or MODEL and PICTURES')
    .action(async (paths: string[]) => finish(await start(paths)));

  unpool
    .command('serve')
    .description('the same window for a browser on this machine')
    .argument('[paths...]', 'STUDY, or MODEL and PICTURES')
    .option('-p, --port <port>', 'port of 127.0.0.1; 0 takes any free one', portNumber, 0)
    .addHelpText(
      'after',
      '\nFrom another machine: ssh -L 8000:127.0.0.1:8000 gpu-machine, there: unpool serve --port 8000',
    )
    .action(async (paths: string[], options: { port: number }) =>
      finish(await serveBrowser(initialOf(paths, { kind: 'home' }), options.port)),
    );

  unpool
    .command('scan')
    .description('find the strongest inputs of every unit; a scan that was stopped goes on')
    .argument('<model>', 'a model file')
    .argument('<pictures>', 'a folder of pictures, with or without class subfolders')
    .requiredOption('-o, --out <study>', 'the folder to write')
    .option('--preset <id>', 'preprocessing by name; left out: the one proposed for the model, which is printed')
    .option('--size <px>', 'input size, where the model leaves it free: 224, or height × width as 48x320', pictureSize)
    .option('-k, --k <count>', 'strongest inputs kept for each unit, at most 100', positive, 9)
    .option('--several', 'take several places from the same picture (the paper takes one)')
    .option('--before', 'take units before their rectifier')
    .option('--batch <pictures>', 'pictures in one forward pass', positive)
    .option('--name <name>', 'name of the study')
    .option('--json', 'print the study as JSON')
    .optionsGroup('Many machines:')
    .option('--shard <i/n>', 'scan only this shard of the pictures, as 3/8; "unpool merge" joins them', shardOf)
    .option('--slurm', 'submit a Slurm job array with a merge behind it, and follow it')
    .option('--kubernetes', 'with --print: the same as Kubernetes Jobs')
    .option('--print', 'print what would be submitted')
    .option('--shards <count>', 'shards of the scan', positive, 16)
    .option('--cpus <count>', 'cores of each task', positive, 4)
    .option('--memory <size>', 'memory of each task, in the cluster’s own words', '4G')
    .option('--time <limit>', 'Slurm: time limit of a task')
    .option('--partition <name>', 'Slurm: partition')
    .option('--account <name>', 'Slurm: account')
    .option('--sbatch <line>', 'Slurm: another #SBATCH line, as --sbatch=--nice=100; may be repeated', collect, [])
    .option('--setup <line>', 'Slurm: a shell line before the program, as "module load nodejs"')
    .option('--poll <seconds>', 'Slurm: seconds between looks at the queue', positive, 10)
    .option('--image <name>', 'Kubernetes: image that has the command unpool', 'unpool')
    .option('--claim <name>', 'Kubernetes: the PersistentVolumeClaim with model, pictures and study', 'unpool')
    .addHelpText(
      'after',
      `
Examples:
  unpool scan squeezenet1.0.onnx photos/ -o groceries --preset caffe-rgb
  unpool scan model.onnx val/ -o val-study --json > study.json
  unpool scan model.onnx train/ -o train-study --slurm --shards 64 --cpus 8 --time 4:00:00
Ctrl-C stops cleanly; the same command goes on where it stopped. Pictures that came to the folder since are added to a study
that is done. docs/large-scans.md works through a large scan.`,
    )
    .action(async (model: string, pictures: string, options: ClusterOptions) => {
      const cluster = options.slurm || options.kubernetes;
      if (options.print && !cluster) throw new Told('--print is for --slurm or --kubernetes.');
      finish(await (cluster ? scanOnCluster : scan)(model, pictures, options));
    });

  unpool
    .command('merge')
    .description('join the shards of a scan into a study, the same as one machine would have made')
    .argument('<shards...>', 'studies that hold shards, or shard files (shards/*.bin); in any order')
    .requiredOption('-o, --out <study>', 'the study to write: that of the shards, or a new folder')
    .option('--wait <count>', 'wait until so many shards of the first study are done', positive)
    .option('--json', 'print the study as JSON')
    .action(async (shards: string[], options: { out: string; wait?: number; json?: boolean }) =>
      finish(await merge(shards, options)),
    );

  unpool
    .command('figure')
    .description('write one unit, or a figure that was composed, as PNG, SVG, PDF, NPZ or CSV')
    .argument('[study]', 'a study folder')
    .option('--study <study>', 'the same')
    .option('-l, --layer <name>', 'a layer, as "unpool layers" names it')
    .option('-u, --unit <number>', 'a unit of it', whole)
    .option('--spec <file>', 'a figure: JSON, or any file that was made from one')
    .addOption(methodOption)
    .addOption(leakyOption)
    .addOption(smoothOption)
    .option('--scale <scale>', 'one scale for all tiles (shared), or each its own', oneOf('shared', 'own'), 'shared')
    .option('--contrast <factor>', 'recorded in the figure', decimal, defaultContrast)
    .option('--page <width>', 'single (89 mm), double (183 mm), slide', oneOf('single', 'double', 'slide'), 'single')
    .option(
      '--language <language>',
      `of what the figure says of itself: ${figureLanguages.join(', ')}`,
      oneOf(...figureLanguages),
      'en',
    )
    .option('--dpi <dpi>', 'resolution of the pictures', decimal, 300)
    .option('--kind <kind>', `${figureKinds.join(', ')}; left out: by the file's name`, oneOf(...figureKinds))
    .option('-o, --out <file>', 'the file, - for standard output', 'unit.png')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Examples:
  unpool figure groceries --layer fire5 --unit 175 --method guided -o digits.png
  unpool figure groceries --spec groceries/figures/layers.json -o layers.pdf
With --spec the figure itself says method, scale, contrast, page and language.`,
    )
    .action(async (study: string | undefined, options: FigureOptions) => finish(await figure(study, options)));

  unpool
    .command('atlas')
    .description('every unit of a layer in one HTML page to browse and publish, or in a PDF')
    .argument('<study>', 'a study folder')
    .requiredOption('-l, --layer <name>', 'a layer, as "unpool layers" names it')
    .addOption(methodOption)
    .addOption(leakyOption)
    .addOption(smoothOption)
    .option('--scale <scale>', 'one scale per unit (shared), or each tile its own', oneOf('shared', 'own'), 'shared')
    .option('--contrast <factor>', 'recorded in the atlas', decimal, defaultContrast)
    .option('-o, --out <file>', '.html or .pdf', 'atlas.html')
    .option('--json', 'print what was written as JSON')
    .action(async (study: string, options: AtlasOptions) => finish(await atlas(study, options)));

  unpool
    .command('verify')
    .description('make a figure again from the data in its file, and compare')
    .argument('<file>', 'PNG, SVG, PDF, NPZ or CSV, as Unpool wrote it')
    .option('--study <study>', 'the study to make it from; left out: looked for')
    .option('--json', 'print the comparison as JSON')
    .addHelpText('after', '\nExit code 0: the same. 1: something differs, or cannot be compared; it is said what.')
    .action(async (file: string, options: { study?: string; json?: boolean }) => finish(await verify(file, options)));

  unpool
    .command('layers')
    .description('list the layers of a network, with units and receptive fields')
    .argument('<model>', 'a model file')
    .option('--size <px>', 'input size, where the model leaves it free: 224, or height × width as 48x320', pictureSize)
    .option('--json', 'print as JSON')
    .action(async (model: string, options: { json?: boolean; size?: [number, number] }) =>
      finish(await layers(model, options)),
    );

  unpool
    .command('audit')
    .description('what a method does at every node of a network, and what it refuses')
    .argument('<model>', 'a model file')
    .addOption(methodOption)
    .addOption(leakyOption)
    .addOption(smoothOption)
    .option('--size <px>', 'input size, where the model leaves it free: 224, or height × width as 48x320', pictureSize)
    .option('--json', 'print as JSON')
    .action(async (model: string, options: AuditOptions) => finish(await audit(model, options)));

  unpool
    .command('find')
    .description('which preprocessing and which list of labels fit a network: tried on labelled pictures')
    .argument('<model>', 'a model file')
    .argument('<pictures>', 'a folder of pictures; class subfolders named as the classes, or by WordNet ids')
    .option('--sample <pictures>', 'pictures to try, spread over the classes', positive, 60)
    .option('--size <px>', 'input size, where the model leaves it free: 224, or height × width as 48x320', pictureSize)
    .option('--json', 'print as JSON')
    .action(async (model: string, pictures: string, options: FindOptions) =>
      finish(await find(model, pictures, options)),
    );

  unpool
    .command('processors')
    .description('what ONNX Runtime may compute with beside the processor: each is tried in a process of its own')
    .option('--json', 'print as JSON')
    .action(async (options: { json?: boolean }) => finish(await processors(options)));

  unpool
    .command('get')
    .description('fetch a well-known network, or list those that there are')
    .argument('[name]', 'a network, as the list names it')
    .option('--from <address>', 'another address than the list’s')
    .option('--json', 'print as JSON')
    .action(async (name: string | undefined, options: { from?: string; json?: boolean }) =>
      finish(await get(name, options)),
    );

  return unpool;
}

/** Runs the command line; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  // Whoever reads the output may stop early ("| head"): that is no error.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const unpool = program((value) => (code = value)).exitOverride();
    for (const command of unpool.commands) command.exitOverride();
    await unpool.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof RpcError) say(`unpool: ${words(error.info)}`);
    else if (error instanceof Told) say(`unpool: ${error.message}`);
    else {
      say(`unpool: ${error instanceof Error ? error.message : String(error)}`);
      if (process.env['UNPOOL_DEBUG']) say(error instanceof Error ? (error.stack ?? '') : '');
    }
    return error instanceof Misused ? 2 : 1;
  }
}
