import * as v from 'valibot';
import { UnpoolError } from '../../errors';

/** Source: torch/_export/serde/schema.py, schema version 8. What is not read here is left out. */
const integer = v.pipe(v.number(), v.integer());
const symInt = v.union([
  v.object({ as_int: integer }),
  v.object({ as_expr: v.object({ expr_str: v.string() }) }),
  v.object({ as_name: v.string() }),
]);
const named = v.object({ name: v.string() });
const tensorMeta = v.object({
  dtype: integer,
  sizes: v.array(symInt),
  strides: v.array(symInt),
  storage_offset: symInt,
});
export type TensorMeta = v.InferOutput<typeof tensorMeta>;

const float = v.union([v.number(), v.pipe(v.picklist(['Infinity', '-Infinity', 'NaN']), v.transform(Number))]);
const optionalTensor = v.union([v.object({ as_tensor: named }), v.object({ as_none: v.boolean() })]);
const argument = v.looseObject({
  as_tensor: v.optional(named),
  as_tensors: v.optional(v.array(named)),
  as_optional_tensor: v.optional(optionalTensor),
  as_int: v.optional(integer),
  as_ints: v.optional(v.array(integer)),
  as_float: v.optional(float),
  as_floats: v.optional(v.array(float)),
  as_bool: v.optional(v.boolean()),
  as_string: v.optional(v.string()),
  as_sym_int: v.optional(symInt),
  as_sym_ints: v.optional(v.array(symInt)),
});
export type Argument = v.InferOutput<typeof argument>;

const node = v.object({
  target: v.string(),
  inputs: v.array(v.object({ name: v.string(), arg: argument })),
  outputs: v.array(argument),
  metadata: v.optional(v.record(v.string(), v.string()), {}),
});
export type AtenNode = v.InferOutput<typeof node>;

const held = (field: string) => v.looseObject({ arg: named, [field]: v.string() });
const inputSpec = v.union([
  v.object({ parameter: held('parameter_name') }),
  v.object({ buffer: held('buffer_name') }),
  v.object({ tensor_constant: held('tensor_constant_name') }),
  v.object({ user_input: v.object({ arg: v.looseObject({ as_tensor: v.optional(named) }) }) }),
]);
const outputSpec = v.looseObject({ user_output: v.optional(v.object({ arg: argument })) });

const program = v.object({
  graph_module: v.object({
    graph: v.object({ nodes: v.array(node), tensor_values: v.record(v.string(), tensorMeta) }),
    signature: v.object({ input_specs: v.array(inputSpec), output_specs: v.array(outputSpec) }),
  }),
  schema_version: v.object({ major: integer, minor: integer }),
});
export type ExportedProgram = v.InferOutput<typeof program>;

const payload = v.object({ path_name: v.string(), use_pickle: v.boolean(), tensor_meta: v.nullable(tensorMeta) });
const payloads = v.object({ config: v.record(v.string(), payload) });
export type Payloads = v.InferOutput<typeof payloads>['config'];

function parse<const S extends v.GenericSchema>(schema: S, value: unknown, file: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new UnpoolError('bad-model', `"${file}" is not as PyTorch writes it: ${issue.message}.`, {
    hint: 'Export the model again, with torch 2.9 or newer.',
    place: { field: [file, v.getDotPath(issue)].filter(Boolean).join(': ') },
  });
}

/** The last schema of torch/_export that is known here. */
const newestMajor = 8;

export function parseProgram(value: unknown, file: string): ExportedProgram {
  const parsed = parse(program, value, file);
  const { major } = parsed.schema_version;
  if (major > newestMajor)
    throw new UnpoolError('bad-model', `The archive is of schema ${major}; this program reads up to ${newestMajor}.`, {
      hint: 'Export the model to ONNX, or with an older torch.',
      place: { field: `${file}: schema_version` },
    });
  return parsed;
}

export const parsePayloads = (value: unknown, file: string): Payloads => parse(payloads, value, file).config;
