import { useFigure } from '../../../stores/figure';
import { useSelection } from '../../../stores/selection';

/** Adds the unit on the screen to the figure that was composed last. */
export async function addToFigure(): Promise<void> {
  const { layer, unit } = useSelection();
  if (layer && unit !== null) await useFigure().addUnit(layer.id, unit, `${layer.name}:${unit}`);
}
