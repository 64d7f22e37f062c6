import { describe, expect, it } from 'vitest';
import { layerName, layerNames } from '../../main/core/program/layerNames';
import { node } from './support';

const named = (opType: string, name: string, weight = 'w', output = 'y') =>
  layerName({ ...node(opType, ['x', weight], [output]), name }, opType === 'Add' ? 'join' : 'conv');

describe('names of layers that TensorFlow wrote', () => {
  it('are scopes without the op', () => {
    expect(named('Conv', 'vgg16/block1_conv1/BiasAdd')).toBe('vgg16/block1_conv1');
    expect(named('Conv', 'xception/block2_sepconv1/separable_conv2d/depthwise')).toBe('xception/block2_sepconv1');
    expect(named('Add', 'resnet50/conv2_block1_add/add')).toBe('resnet50/conv2_block1_add');
    expect(named('Conv', 'conv1/7x7_s2')).toBe('conv1/7x7_s2');
    expect(named('Conv', 'net/act/Relu:Conv', 'net/conv/Conv2D/ReadVariableOp:oihw')).toBe('net/conv');
  });

  it('come from weights or results where tf2onnx made a name up', () => {
    expect(named('Conv', 'Conv__403', 'net_1/conv1_1/convolution/ReadVariableOp:0')).toBe('net_1/conv1_1');
    expect(named('Conv', 'Conv__403', 'Conv__403_weights', 'net/conv1_bn/FusedBatchNormV3:0')).toBe('net/conv1_bn');
    expect(named('Conv', 'Conv__403')).toBe('Conv__403');
  });

  it('are without the scope of the model, and the number of its second trace', () => {
    expect(layerNames(['vgg16/a', 'vgg16/b/c'])).toEqual(['a', 'b/c']);
    expect(layerNames(['vgg16_1/a_1', 'vgg16_1/conv_2_1'])).toEqual(['a', 'conv_2']);
    expect(layerNames(['net_1/conv2d_1', 'net_1/conv2d_1_2'])).toEqual(['conv2d', 'conv2d_1']);
    expect(layerNames(['vgg16_1/a_1', 'vgg16_1/b'])).toEqual(['a_1', 'b']);
    expect(layerNames(['fire2/a', 'fire3/a'])).toEqual(['fire2/a', 'fire3/a']);
    expect(layerNames(['a', 'a', 'b'])).toEqual(['a', 'a #2', 'b']);
  });
});
