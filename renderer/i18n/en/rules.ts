export const rules = {
  title: 'The way back through {name}',
  about: 'What the method does at each node of the network, from the picture up.',
  some: '{exact} of {all} layers can be reconstructed; {refused} cannot.',
  every: '{n} layer can be reconstructed. | All {n} layers can be reconstructed.',
  layer: 'Layer',
  node: 'Node',
  op: 'Op',
  role: 'Role',
  rule: 'Rule',
  refused: 'Refused: {reason}',
};
