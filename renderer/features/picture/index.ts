import { Image } from '@lucide/vue';
import type { View } from '../../views';
import PictureView from './PictureView.vue';
import { pictureShortcuts } from './shortcuts';

export const pictureView: View = {
  id: 'picture',
  title: 'picture.title',
  icon: Image,
  component: PictureView,
  shortcuts: pictureShortcuts,
};
