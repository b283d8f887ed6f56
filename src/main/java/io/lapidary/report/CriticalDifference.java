package io.lapidary.report;

import io.lapidary.metric.WilcoxonHolm;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;

/**
 * The critical-difference diagram (Demšar 2006): methods on an axis of average ranks, the best on
 * the left, and bars over methods that do not differ.
 */
public final class CriticalDifference {
  private static final int WIDTH = 760;
  private static final int LEFT = 200;
  private static final int RIGHT = 560;
  private static final int AXIS = 40;
  private static final int BAR = 12;
  private static final int ROW = 22;

  private CriticalDifference() {}

  /** The diagram as a figure. */
  public static Figure.ImageGrid figure(String title, WilcoxonHolm test) {
    String caption =
        String.format(
            Locale.ROOT,
            "Average ranks over %d data sets, lower is better. Bars join methods without a"
                + " significant pair: two-sided Wilcoxon signed-rank tests, Holm's correction;"
                + " Friedman p %.3g.",
            test.ranks().dataSets(),
            test.ranks().friedmanP());
    Figure.Picture picture = Pictures.of(image(test), "", Figure.Mark.NONE);
    return new Figure.ImageGrid(title, caption, List.of(List.of(picture)));
  }

  private static BufferedImage image(WilcoxonHolm test) {
    int methods = test.order().length;
    int first = AXIS + 20 + BAR * test.cliques().size();
    int height = first + ROW * ((methods + 1) / 2) + 10;
    BufferedImage image = new BufferedImage(WIDTH, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, WIDTH, height);
    g.setColor(Color.BLACK);
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    g.drawLine(LEFT, AXIS, RIGHT, AXIS);
    for (int rank = 1; rank <= methods; rank++) {
      int x = place(rank, methods);
      g.drawLine(x, AXIS - 5, x, AXIS);
      g.drawString(Integer.toString(rank), x - 4, AXIS - 10);
    }
    double[] averages = test.ranks().averageRanks();
    for (int i = 0; i < methods; i++) {
      boolean onLeft = i < (methods + 1) / 2;
      int row = onLeft ? i : methods - 1 - i;
      int y = first + ROW * row;
      int method = test.order()[i];
      int x = place(averages[method], methods);
      String name =
          String.format(
              Locale.ROOT, "%s %.2f", test.ranks().methods().get(method), averages[method]);
      g.drawLine(x, AXIS, x, y);
      int end = onLeft ? LEFT - 10 : RIGHT + 10;
      g.drawLine(x, y, end, y);
      int width = g.getFontMetrics().stringWidth(name);
      g.drawString(name, onLeft ? Math.max(2, end - 6 - width) : end + 6, y + 5);
    }
    g.setStroke(new BasicStroke(4));
    for (int c = 0; c < test.cliques().size(); c++) {
      int[] clique = test.cliques().get(c);
      int y = AXIS + 12 + BAR * c;
      g.drawLine(
          place(averages[test.order()[clique[0]]], methods) - 4,
          y,
          place(averages[test.order()[clique[1]]], methods) + 4,
          y);
    }
    g.dispose();
    return image;
  }

  private static int place(double rank, int methods) {
    return (int) Math.round(LEFT + (rank - 1) / Math.max(1, methods - 1) * (RIGHT - LEFT));
  }
}
