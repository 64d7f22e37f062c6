export { pictureExtensions } from '../pictures/dataset';
export const modelExtensions: readonly string[] = ['onnx'];
