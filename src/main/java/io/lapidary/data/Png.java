package io.lapidary.data;

import io.lapidary.InputException;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** A picture as straight (not premultiplied) RGBA bytes, row by row, and its PNG form. */
record Png(int width, int height, byte[] rgba) {

  /**
   * Decodes a PNG of any colour type with at most 8 bits a channel.
   *
   * @param where what to name in an error
   */
  static Png decode(byte[] bytes, String where) {
    BufferedImage image;
    try {
      image = ImageIO.read(new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes)));
    } catch (IOException | RuntimeException e) {
      throw new InputException(
          String.format("%s: not a readable PNG (%s)", where, e.getMessage()), e);
    }
    if (image == null) {
      throw InputException.of("%s: not a PNG picture", where);
    }
    int w = image.getWidth();
    int h = image.getHeight();
    byte[] out = new byte[w * h * 4];
    if (image.getType() == BufferedImage.TYPE_4BYTE_ABGR) {
      byte[] in = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
      for (int i = 0; i < out.length; i += 4) {
        for (int c = 0; c < 4; c++) {
          out[i + c] = in[i + 3 - c];
        }
      }
      return new Png(w, h, out);
    }
    boolean grey =
        image.getColorModel() instanceof ComponentColorModel && image.getRaster().getNumBands() < 3;
    for (int y = 0, i = 0; y < h; y++) {
      for (int x = 0; x < w; x++, i += 4) {
        int argb = grey ? grey(image, x, y) : image.getRGB(x, y);
        out[i] = (byte) (argb >> 16);
        out[i + 1] = (byte) (argb >> 8);
        out[i + 2] = (byte) argb;
        out[i + 3] = (byte) (argb >>> 24);
      }
    }
    return new Png(w, h, out);
  }

  // getRGB takes grey samples for linear light and would brighten them
  private static int grey(BufferedImage image, int x, int y) {
    Raster raster = image.getRaster();
    int shift = Math.max(0, raster.getSampleModel().getSampleSize(0) - 8);
    int value = raster.getSample(x, y, 0) >> shift;
    int alpha = raster.getNumBands() == 2 ? raster.getSample(x, y, 1) >> shift : 255;
    return alpha << 24 | value << 16 | value << 8 | value;
  }

  /** The PNG form, packed as small as the encoder can. */
  byte[] encode() {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_4BYTE_ABGR);
    byte[] data = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    for (int i = 0; i < rgba.length; i += 4) {
      for (int c = 0; c < 4; c++) {
        data[i + 3 - c] = rgba[i + c];
      }
    }
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    try (ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(0f);
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), param);
      out.flush();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new IllegalStateException("a PNG in memory cannot fail to be written", e);
    } finally {
      writer.dispose();
    }
  }

  /**
   * Halves (or divides by {@code factor}) both sides by area averages. Colours are weighted by
   * their alpha, so that invisible pixels do not bleed in; fully transparent results are 0.
   */
  Png shrink(int factor) {
    int w = width / factor;
    int h = height / factor;
    byte[] out = new byte[w * h * 4];
    int area = factor * factor;
    for (int y = 0, o = 0; y < h; y++) {
      for (int x = 0; x < w; x++, o += 4) {
        int alpha = 0;
        int[] sum = new int[3];
        for (int k = 0; k < area; k++) {
          int i = ((y * factor + k / factor) * width + x * factor + k % factor) * 4;
          int a = rgba[i + 3] & 0xff;
          alpha += a;
          for (int c = 0; c < 3; c++) {
            sum[c] += a * (rgba[i + c] & 0xff);
          }
        }
        int mean = (2 * alpha + area) / (2 * area);
        for (int c = 0; c < 3 && mean > 0; c++) {
          out[o + c] = (byte) ((2 * sum[c] + alpha) / (2 * alpha));
        }
        out[o + 3] = (byte) mean;
      }
    }
    return new Png(w, h, out);
  }
}
