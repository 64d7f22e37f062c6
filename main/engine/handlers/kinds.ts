export { pictureExtensions } from '../pictures/dataset';
export { modelExtensions } from '../../core/formats/index';
