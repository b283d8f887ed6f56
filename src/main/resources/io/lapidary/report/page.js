'use strict';
(function () {
  const figures = JSON.parse(document.getElementById('charts').textContent);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  // Okabe and Ito's colours: told apart by colour-blind readers; the last of each list is the ink
  const light = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#7a6a00', '#56B4E9', '#E69F00', '#333333'];
  const bright = ['#56B4E9', '#E69F00', '#2fc79a', '#e39cc6', '#F0E442', '#5a9bd4', '#ff8a4c', '#dddddd'];
  const cividis = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#e1cc55', '#fee838'];
  const dashes = ['solid', 'dashed', 'dotted', [8, 3, 2, 3]];
  const symbols = ['circle', 'rect', 'triangle', 'diamond'];
  let charts = [];

  function number(v) {
    if (v === null || v === undefined || Number.isNaN(v)) return '–';
    const a = Math.abs(v);
    return a !== 0 && (a >= 1e6 || a < 1e-4) ? v.toExponential(2) : String(Number(v.toPrecision(4)));
  }

  function base(ink, soft, line) {
    return {
      animation: false,
      textStyle: { color: ink, fontFamily: 'inherit' },
      legend: { type: 'scroll', top: 0, textStyle: { color: ink }, pageTextStyle: { color: ink }, pageIconColor: soft },
      tooltip: { confine: true, valueFormatter: number, renderMode: 'richText' },
      aria: { enabled: true },
      top: { nameLocation: 'end', nameGap: 12, nameTextStyle: { color: soft, align: 'left', padding: [0, 0, 0, -24] } },
      axis: {
        nameLocation: 'middle', nameTextStyle: { color: soft }, axisLabel: { color: soft, hideOverlap: true },
        axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } }, axisTick: { lineStyle: { color: line } }
      }
    };
  }

  function lines(f, b) {
    const few = f.series.every(s => s.x.length <= 40);
    return {
      grid: { left: 8, right: 18, top: f.series.length > 1 ? 62 : 36, bottom: 34, containLabel: true },
      legend: { show: f.series.length > 1 },
      tooltip: { trigger: 'axis' },
      xAxis: { ...b.axis, type: 'value', name: f.xLabel, nameGap: 28, scale: true, splitLine: { show: false } },
      yAxis: { ...b.axis, ...b.top, type: f.logY ? 'log' : 'value', name: f.yLabel, scale: true,
        axisLabel: { ...b.axis.axisLabel, formatter: number } },
      series: f.series.map((s, i) => ({
        name: s.name, type: 'line', showSymbol: few, symbol: symbols[i % 4], symbolSize: 6,
        lineStyle: { width: 2, type: dashes[Math.floor(i / 2) % 4] },
        data: s.x.map((x, j) => [x, f.logY && !(s.y[j] > 0) ? null : s.y[j]])
      }))
    };
  }

  function whisker(ink, group, groups) {
    return function (params, api) {
      const x = api.value(0), low = api.value(1), high = api.value(2);
      const layout = api.barLayout({ barGap: '15%', barCategoryGap: '30%', barMaxWidth: 64, count: groups })[group];
      const top = api.coord([x, high]), bottom = api.coord([x, low]);
      const c = top[0] + layout.offsetCenter, w = Math.min(6, layout.width / 4);
      const bar = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: ink, lineWidth: 1.5 } });
      return { type: 'group', children: [bar(c, bottom[1], c, top[1]), bar(c - w, top[1], c + w, top[1]), bar(c - w, bottom[1], c + w, bottom[1])] };
    };
  }

  function bars(f, b, ink) {
    const series = [];
    f.groups.forEach((g, i) => {
      series.push({ name: g.name, type: 'bar', data: g.values, barGap: '15%', barCategoryGap: '30%', barMaxWidth: 64 });
    });
    f.groups.forEach((g, i) => {
      const found = g.intervals.map((v, j) => v && v[0] !== null && v[1] !== null ? [j, v[0], v[1]] : null).filter(v => v);
      if (found.length) {
        series.push({ name: g.name, type: 'custom', renderItem: whisker(ink, i, f.groups.length), data: found, z: 5, silent: true,
          encode: { x: 0, y: [1, 2] }, tooltip: { show: false } });
      }
    });
    return {
      grid: { left: 8, right: 16, top: f.groups.length > 1 ? 62 : 36, bottom: 8, containLabel: true },
      legend: { show: f.groups.length > 1 },
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, formatter: list => {
        const j = list[0].dataIndex;
        return f.categories[j] + f.groups.map(g => {
          const v = g.intervals[j];
          return '\n' + g.name + ': ' + number(g.values[j]) + (v ? ' [' + number(v[0]) + ', ' + number(v[1]) + ']' : '');
        }).join('');
      } },
      xAxis: { ...b.axis, type: 'category', data: f.categories, axisLabel: { ...b.axis.axisLabel, interval: f.categories.length > 12 ? 'auto' : 0, width: 110, overflow: 'break' } },
      yAxis: { ...b.axis, ...b.top, type: 'value', name: f.yLabel, axisLabel: { ...b.axis.axisLabel, formatter: number } },
      series
    };
  }

  function heatmap(f, b, ink, height) {
    const data = [];
    let low = Infinity, high = -Infinity;
    f.values.forEach((row, y) => row.forEach((v, x) => {
      if (v !== null) { data.push([x, y, v]); low = Math.min(low, v); high = Math.max(high, v); }
    }));
    if (!data.length) { low = 0; high = 1; }
    if (low >= 0 && high <= 1) { low = 0; high = 1; }
    if (low === high) { high = low + 1; }
    const small = f.rows.length <= 14 && f.columns.length <= 14;
    return {
      grid: { left: 26, right: 16, top: 8, bottom: 84, containLabel: true },
      tooltip: { formatter: p => f.yLabel + ' ' + f.rows[p.value[1]] + '\n' + f.xLabel + ' ' + f.columns[p.value[0]] + '\n' + number(p.value[2]) },
      xAxis: { ...b.axis, type: 'category', data: f.columns, name: f.xLabel, nameGap: 0, nameLocation: 'end', nameTextStyle: { color: 'transparent' }, splitLine: { show: false },
        axisLabel: { ...b.axis.axisLabel, rotate: f.columns.join('').length > 40 ? 40 : 0, interval: small ? 0 : 'auto', width: 120, overflow: 'truncate' } },
      yAxis: { ...b.axis, type: 'category', data: f.rows, inverse: true, splitLine: { show: false },
        axisLabel: { ...b.axis.axisLabel, interval: small ? 0 : 'auto', width: 120, overflow: 'truncate' } },
      graphic: [
        { type: 'text', left: 'center', bottom: 52, style: { text: f.xLabel, fill: b.axis.nameTextStyle.color, fontSize: 12 } },
        { type: 'text', left: 2, top: (height - 84) / 2 - 16, rotation: Math.PI / 2, originX: 0, originY: 0, style: { text: f.yLabel, fill: b.axis.nameTextStyle.color, fontSize: 12 } }
      ],
      visualMap: { min: low, max: high, calculable: false, orient: 'horizontal', left: 'center', bottom: 0, itemHeight: 160, itemWidth: 12, precision: 2,
        text: [number(high), number(low)], textStyle: { color: ink }, inRange: { color: cividis } },
      series: [{ type: 'heatmap', data: data.map(d => ({ value: d,
          label: { color: (d[2] - low) / (high - low) > 0.6 ? '#000' : '#fff' } })),
        label: { show: small, fontSize: 10, formatter: p => Math.abs(p.value[2]) < 0.005 ? '' : String(Number(p.value[2].toFixed(2))) } }]
    };
  }

  function draw(isDark) {
    charts.forEach(c => c.dispose());
    const ink = isDark ? '#e6e9ee' : '#1c2026', soft = isDark ? '#a3adba' : '#5b6470', line = isDark ? '#38404b' : '#d9dde3';
    const b = base(ink, soft, line);
    const makers = { lines, bars, heatmap };
    charts = figures.map(f => {
      const chart = echarts.init(document.getElementById(f.id), null, { renderer: 'svg' });
      const own = makers[f.type](f, b, ink, chart.getHeight());
      chart.setOption({
        animation: b.animation, textStyle: b.textStyle, aria: b.aria, color: isDark ? bright : light, ...own,
        legend: { ...b.legend, show: false, ...own.legend }, tooltip: { ...b.tooltip, ...own.tooltip }
      });
      return chart;
    });
  }

  draw(dark.matches);
  dark.addEventListener('change', e => draw(e.matches));
  window.addEventListener('resize', () => charts.forEach(c => c.resize()));
  window.addEventListener('beforeprint', () => draw(false));
  window.addEventListener('afterprint', () => draw(dark.matches));
})();
