import { describe, expect, it } from 'vitest';
import { drawNetwork, neighbour, wayBack, type Box } from '../../renderer/lib/networkLayout';
import { fakeLayers } from './fake-data';
import { fakeNetwork, hugeNetwork } from './fake-network';

const { graph } = hugeNetwork();
const all = new Set(graph.blocks.map((_, index) => index));
const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe('the drawing of a network', () => {
  it('of 300 nodes and more: none overlap, edges go down, frames hold their nodes', () => {
    const { boxes, curves, frames, width, height } = drawNetwork(graph, all);
    expect(boxes).toHaveLength(graph.nodes.length);
    expect(curves).toHaveLength(graph.edges.length);
    const rows = [...boxes].sort((a, b) => a.y - b.y);
    rows.forEach((box, i) => rows.slice(i + 1, i + 12).forEach((other) => expect(overlap(box, other)).toBe(false)));
    const at = new Map(boxes.map((box) => [box.key, box]));
    for (const { from, to } of curves) expect(at.get(to)!.y).toBeGreaterThan(at.get(from)!.y + at.get(from)!.height);
    expect(frames).toHaveLength(graph.blocks.length);
    for (const frame of frames)
      for (const box of boxes.filter(({ block }) => block === frame.block))
        expect([
          box.x >= frame.x && box.x + box.width <= frame.x + frame.width,
          box.y > frame.y && box.y + box.height < frame.y + frame.height,
        ]).toEqual([true, true]);
    frames.slice(1).forEach((frame, i) => expect(frame.y).toBeGreaterThan(frames[i]!.y + frames[i]!.height));
    for (const { x, y, width: w, height: h } of [...boxes, ...frames])
      expect([x >= 0, y >= 0, x + w <= width, y + h <= height]).toEqual([true, true, true, true]);
  });

  it('a closed block is one box, with the edges of what is in it', () => {
    const { boxes, curves } = drawNetwork(graph, new Set([1]));
    expect(boxes.filter(({ node }) => node === null)).toHaveLength(graph.blocks.length - 1);
    expect(boxes.filter(({ block, node }) => block === 1 && node !== null)).toHaveLength(9);
    expect(curves.filter(({ from, to }) => from === 'b0' || to === 'b0')).toHaveLength(5);
    expect(drawNetwork({ nodes: graph.nodes.slice(0, 1), edges: [], blocks: [] }, all).boxes).toHaveLength(1);
  });

  it('the way back ends at what refuses, and goes only where the signal does', () => {
    const fake = fakeNetwork(fakeLayers, 'deconvnet');
    const last = fake.nodes.length - 1;
    expect(wayBack(fake, last).nodes).toEqual(new Set([last]));
    const fc = fake.nodes.findIndex(({ name }) => name === 'fc');
    expect([...wayBack(fake, fc).nodes].map((each) => fake.nodes[each]!.name).sort()).toEqual(['fc', 'gate']);
    const conv3 = fake.nodes.findIndex(({ name }) => name === 'conv3');
    expect(wayBack(fake, conv3).nodes.size).toBe(conv3 + 1);
    const held = { ...fake, edges: fake.edges.map((edge) => ({ ...edge, back: edge.from !== 0 })) };
    expect(wayBack(held, conv3).nodes.has(0)).toBe(false);
  });

  it('arrows go along edges and sideways', () => {
    const drawing = drawNetwork(graph, all);
    const key = (name: string): string => `n${graph.nodes.findIndex((node) => node.name === name)}`;
    const join = key('mixed_1.join');
    expect(neighbour(drawing, key('data'), 'ArrowDown')).toBe(key('stem'));
    expect(neighbour(drawing, key('data'), 'ArrowUp')).toBe(null);
    expect(graph.nodes[Number(neighbour(drawing, join, 'ArrowUp')!.slice(1))]!.name).toMatch(/^mixed_1\.branch/);
    const [first] = drawing.boxes.filter(({ block }) => block === 0).sort((a, b) => a.y - b.y || a.x - b.x);
    const right = neighbour(drawing, first!.key, 'ArrowRight');
    if (right !== null) expect(neighbour(drawing, right, 'ArrowLeft')).toBe(first!.key);
    expect(neighbour(drawing, 'b99', 'ArrowLeft')).toBe(null);
  });
});
