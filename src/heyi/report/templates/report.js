(function () {
  "use strict";
  var root = document.documentElement;
  var buttons = Array.prototype.slice.call(document.querySelectorAll("[data-choose]"));
  var charts = JSON.parse(document.getElementById("chart-data").textContent);
  var drawn = [];
  root.classList.add("js");

  function label(text, narrow) {
    var show = root.getAttribute("data-show");
    if (show === "en") return text.en;
    if (show === "zh" || narrow || text.zh === text.en) return text.zh;
    return text.zh + "\n" + text.en;
  }

  function breadth(text) {
    return Math.max.apply(null, text.split("\n").map(function (line) {
      return Array.prototype.reduce.call(line, function (sum, c) { return sum + (c > "\u2e80" ? 12.5 : 7.2); }, 4);
    }));
  }

  function option(chart, width) {
    var narrow = width < 560, starts = chart.starts;
    var labels = chart.labels.map(function (t) { return label(t, narrow); });
    var longest = Math.max.apply(null, labels.map(breadth));
    var room = Math.min(longest, narrow ? Math.round(width * 0.36) : 250);
    var below = function (v) { return v.min < 0 ? v.min - (v.max - v.min) * (narrow ? 0.5 : 0.18) : 0; };
    return {
      animation: false,
      grid: { left: 8, right: narrow ? 76 : 96, top: 4, bottom: 4, containLabel: true },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      xAxis: { type: "value", min: below, max: "dataMax", axisLabel: { show: false }, splitLine: { lineStyle: { color: "#e6eaef" } } },
      yAxis: {
        type: "category", inverse: true, axisTick: { show: false },
        axisLine: { onZero: false, lineStyle: { color: "#8a94a3" } },
        data: labels,
        axisLabel: { color: "#1c2430", fontSize: 12, lineHeight: 15, width: room, overflow: "break", interval: 0 }
      },
      series: (starts ? [{
        type: "bar", stack: "all", silent: true, barMaxWidth: 22, itemStyle: { color: "transparent" },
        data: chart.values.map(function (v, i) { return Math.min(starts[i], starts[i] + v); })
      }] : []).concat([{
        type: "bar", stack: starts ? "all" : undefined, barMaxWidth: 22,
        data: chart.values.map(function (v, i) {
          return {
            value: starts ? Math.abs(v) : v,
            itemStyle: { color: v < 0 ? "#a34a00" : chart.own && !chart.own[i] ? "#9db8ba" : "#0f5f63" },
            label: {
              show: true, position: v < 0 && !starts ? "left" : "right", formatter: chart.prints[i],
              color: "#1c2430", fontSize: 12, fontWeight: chart.own && chart.own[i] ? "bold" : "normal"
            }
          };
        })
      }])
    };
  }

  function draw() {
    Object.keys(charts).forEach(function (id) {
      var place = document.getElementById(id);
      if (!place) return;
      var both = root.getAttribute("data-show") === "both" && place.clientWidth >= 560;
      place.style.height = charts[id].labels.length * (both ? 40 : 34) + 16 + "px";
      var chart = window.echarts.getInstanceByDom(place) || window.echarts.init(place, null, { renderer: "svg" });
      chart.resize();
      chart.setOption(option(charts[id], place.clientWidth), true);
      if (drawn.indexOf(chart) < 0) drawn.push(chart);
    });
  }

  function choose(which) {
    root.setAttribute("data-show", which);
    root.lang = which === "en" ? "en" : "zh-CN";
    buttons.forEach(function (b) { b.setAttribute("aria-pressed", String(b.getAttribute("data-choose") === which)); });
    draw();
  }

  buttons.forEach(function (b) {
    b.addEventListener("click", function () { choose(b.getAttribute("data-choose")); });
  });

  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (d) { d.open = true; });
    draw();
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (d) { d.open = false; });
    draw();
  });

  var waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(draw, 120);
  });
  choose(root.getAttribute("data-show"));
})();
