import { BarChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import VChart from 'vue-echarts';

/** ECharts with what bars need, and nothing else of it. */
use([BarChart, GridComponent, TooltipComponent, CanvasRenderer]);

export default VChart;
