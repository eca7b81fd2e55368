/** How many values a plot holds; one comes in every half second. */
const PLOT_LENGTH = 120;

/** A small live line plot of the latest values, in the colours of its page. */
export class Plot {
  /** @param {HTMLCanvasElement} canvas where to draw */
  constructor(canvas) {
    this.canvas = canvas;
    this.values = [];
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
      this.draw()
    );
  }

  /**
   * Adds a value on the right.
   *
   * @param {number} value the value; `NaN` leaves a gap
   */
  add(value) {
    this.values.push(value);
    if (this.values.length > PLOT_LENGTH) this.values.shift();
    this.draw();
  }

  /** Draws everything anew. */
  draw() {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    const style = getComputedStyle(canvas);
    const context = canvas.getContext('2d');
    const top = niceCeiling(
      Math.max(0, ...this.values.filter(Number.isFinite))
    );

    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    context.scale(devicePixelRatio, devicePixelRatio);

    context.strokeStyle = style.getPropertyValue('--line');
    context.beginPath();
    context.moveTo(0, height / 2);
    context.lineTo(width, height / 2);
    context.stroke();

    context.strokeStyle = style.getPropertyValue('--accent');
    context.lineWidth = 2;
    context.lineJoin = 'round';
    context.stroke(this.trace(width, height, top));

    context.fillStyle = style.getPropertyValue('--soft');
    context.font = `12px ${style.fontFamily}`;
    context.textBaseline = 'top';
    context.fillText(top.toLocaleString(), 6, 6);
  }

  /**
   * Makes the line through the values.
   *
   * @param {number} width the plot's width in CSS pixels
   * @param {number} height its height
   * @param {number} top the value at its upper edge
   * @return {Path2D} the line
   */
  trace(width, height, top) {
    const path = new Path2D();
    const step = width / (PLOT_LENGTH - 1);
    const left = width - (this.values.length - 1) * step;
    let gap = true;

    this.values.forEach((value, i) => {
      if (Number.isFinite(value)) {
        const y = height - 2 - (value / top) * (height - 4);

        if (gap) path.moveTo(left + i * step, y);
        else path.lineTo(left + i * step, y);
      }
      gap = !Number.isFinite(value);
    });
    return path;
  }
}

/**
 * Rounds up to 1, 2 or 5 times a power of ten.
 *
 * @param {number} value a number, not negative
 * @return {number} the rounded number; 1 for zero
 */
function niceCeiling(value) {
  if (value === 0) return 1;

  const unit = 10 ** Math.floor(Math.log10(value));

  return [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= value);
}
