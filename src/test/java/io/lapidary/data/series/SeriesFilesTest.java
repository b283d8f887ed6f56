package io.lapidary.data.series;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SeriesFilesTest {
  private static final double MISSING = Double.NaN;

  @TempDir private Path folder;

  private SeriesSet read(String name, String text) throws IOException {
    return SeriesFiles.read(write(name, text));
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private void assertRefused(String name, String text, String... words) throws IOException {
    Path file = write(name, text);
    assertThatThrownBy(() -> SeriesFiles.read(file))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContainingAll(words);
  }

  @Test
  void aHeaderInAnyOrderWithoutEqualLength() throws IOException {
    SeriesSet set =
        read(
            "a_TRAIN.ts",
            "\uFEFF%# old comment \uFEFF with a mark\n# another\n\n@CLASSLABEL  TRUE -1 1.0 Standing\n"
                + "@futureKey anything\n@Missing True\n@problemName a\n@DATA\n"
                + "1,?,3:-1\n\n?,2,nan:1.0\n 4, 5 ,6 : Standing \n7,8:Standing\n");
    assertThat(set.name()).isEqualTo("a");
    assertThat(set.classes()).containsExactly("-1", "1.0", "Standing");
    assertThat(set.labels()).containsExactly(0, 1, 2, 2);
    assertThat(set.cases().get(0).values()[0]).containsExactly(1, MISSING, 3);
    assertThat(set.cases().get(1).values()[0]).containsExactly(MISSING, 2, MISSING);
    assertThat(set.cases().get(2).values()[0]).containsExactly(4, 5, 6);
    assertThat(set.equalLength()).isFalse();
    assertThat(set.minLength()).isEqualTo(2);
    assertThat(set.hasMissing()).isTrue();
  }

  @Test
  void stampsMayHoldBlanksColonsAndCommas() throws IOException {
    SeriesSet set =
        read(
            "s.ts",
            "@timeStamps true\n@classLabel true up down\n@data\n"
                + "(2007-01-01 00:00:00,1.5),(Mon, 00:01,?):(0,-2e3), (1,4):up\n"
                + "(0,1),(1,2):(0,3),(1,4):down\n");
    assertThat(set.channels()).isEqualTo(2);
    assertThat(set.cases().get(0).values()[0]).containsExactly(1.5, MISSING);
    assertThat(set.cases().get(0).values()[1]).containsExactly(-2000, 4);
    assertThat(set.classes()).containsExactly("down", "up");
  }

  @Test
  void tablesHaveTheLabelFirstAndShorterSeriesEndMissing() throws IOException {
    SeriesSet tsv = read("t_TRAIN.tsv", "-1\t1.0\tNaN\t3\tNaN\tNaN\n2\t4\t5\t6\t7\t8\n");
    assertThat(tsv.cases().get(0).values()[0]).containsExactly(1, MISSING, 3);
    assertThat(tsv.maxLength()).isEqualTo(5);
    assertThat(tsv.classes()).containsExactly("-1", "2");
    SeriesSet commas = read("t.csv", "1,2,3\n2,4,5\n");
    SeriesSet blanks = read("t.txt", "  1   2 3\n  2   4   5  \n");
    assertThat(commas.cases().get(1).values()[0]).containsExactly(4, 5);
    assertThat(blanks.cases().get(1).values()[0]).containsExactly(4, 5);
  }

  @Test
  void arffOfOneAndOfSeveralChannels() throws IOException {
    String head = "% about\n@relation x\n@attribute att0 numeric\n@attribute target {'a b',c}\n";
    SeriesSet one = read("u.arff", head + "\n@DATA\n1,?,'a b'\n2,3,c\n");
    assertThat(one.classes()).containsExactly("a b", "c");
    assertThat(one.cases().get(0).values()[0]).containsExactly(1, MISSING);
    SeriesSet several = read("m.arff", head + "@data\n'1,2\\n3,4',c\n\"5,6\\n7,8\",'a b'\n");
    assertThat(several.channels()).isEqualTo(2);
    assertThat(several.cases().get(1).values()[1]).containsExactly(7, 8);
    assertThat(several.labels()).containsExactly(1, 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | is empty",
        "@classLabel true a| has a header, but no @data",
        "@classLabel true a~@data| holds no case",
        "@classLabel true~@data~1:a| :1: @classLabel true must name the classes",
        "@classLabel false~@data~1,2| :1: @classLabel false",
        "@targetlabel true~@data~1,2:3.5| :1: @targetlabel true",
        "@univariate maybe~@data| :1: @univariate must be true or false",
        "1,2:a| :1: expected a header line",
        "@data~1,2:a~1,two:b| :3: channel 1, value 2: expected a finite number",
        "@data~1,inf:a| expected a finite number",
        "@data~1,1d:a| found '1d'",
        "@data~1,,2:a| channel 1, value 2: expected a finite number",
        "@data~1,2,3| :2: expected values, a colon and a label",
        "@data~1,2:| :2: the case has no label",
        "@data~1,2:3:a| :2: channel 2 has 1 values, channel 1 has 2",
        "@univariate true~@data~1,2:3,4:a| :3: the header says univariate",
        "@data~1,2:3,4:a~1,2:b| :3: the case has 1 channels, that of line 2 has 2",
        "@timeStamps true~@data~(0,1),(1,x):a| value 2: expected a finite number",
        "@timeStamps true~@data~(0,1),(1:a| expected (stamp,value)",
        "@data~1,2:a~1:a| :3: channel 1 has one value",
        "@data~?,NaN:a| :2: channel 1 has no known value",
        "@timeStamps true~@data~1,2:a| the header says time stamps",
        "@timeStamps true~@data~(0,1)| expected a colon and a label"
      })
  void wrongTsFilesAreRefused(String text, String message) throws IOException {
    assertRefused("x.ts", text == null ? "" : text.replace('~', '\n'), message.strip());
  }

  @Test
  void otherWrongFilesAreRefused() throws IOException {
    assertRefused("x.tsv", "\n\n", "is empty");
    assertRefused("x.tsv", "1\t2\t5\n2\tx\t1\n", ":2: column 2: expected a finite number", "'x'");
    assertRefused("x.tsv", "1\tNaN\n", ":1: expected a label and values");
    assertRefused("x.txt", "7", ":1: expected a label and values");
    assertRefused("x.arff", "@relation x\n", "no @data");
    assertRefused("x.arff", "@data\n'1,2\\n3',c\n", ":2: channel 2 has 1 values");
    assertRefused("x.arff", "@data\n{0 1},c\n", "sparse");
    assertRefused("x.dat", "1 2", "expected a file ending in one of");
    assertThatThrownBy(() -> SeriesFiles.read(folder.resolve("none.ts")))
        .hasMessageContaining("nothing of that name");
    assertThatThrownBy(() -> SeriesFiles.read(folder)).hasMessageContaining("a folder");
  }

  @Test
  void aTestClassMustOccurInTrain() throws IOException {
    Path train = write("p_TRAIN.ts", "@data\n1,2:a\n3,4:b\n");
    Path test = write("p_TEST.ts", "@data\n1,2:b\n1,2:a\n3,4:c\n");
    assertThatThrownBy(() -> SeriesFiles.problem(train, test))
        .isInstanceOf(InputException.class)
        .hasMessageContainingAll("p_TEST.ts:4: class 'c'", "[a, b]");
    Files.writeString(test, "@data\n1,2:b\n");
    SeriesProblem problem = SeriesFiles.folder(folder);
    assertThat(problem.test().labels()).containsExactly(1);
    assertThat(problem.name()).isEqualTo("p");
    Files.writeString(test, "@data\n1,2:3,4:b\n");
    assertThatThrownBy(() -> SeriesFiles.folder(folder)).hasMessageContaining("2 channels");
    write("q_TRAIN.ts", "@data\n1,2:a\n");
    assertThatThrownBy(() -> SeriesFiles.folder(folder))
        .hasMessageContainingAll("expected one file NAME_TRAIN", "p_TRAIN.ts", "q_TRAIN.ts");
  }

  @Test
  void whatIsWrittenIsReadBitForBit() {
    for (int seed = 1; seed <= 20; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      int channels = 1 + random.nextInt(3);
      List<TimeSeries> cases = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        double[][] values = new double[channels][2 + random.nextInt(5)];
        for (int c = 0; c < channels; c++) {
          values[c] = new double[values[0].length];
          for (int t = 0; t < values[c].length; t++) {
            boolean missing = t > 0 && random.nextInt(5) == 0;
            values[c][t] =
                missing ? Double.NaN : Math.scalb(random.nextGaussian(), random.nextInt(90) - 45);
          }
        }
        cases.add(new TimeSeries(values, i % 2));
      }
      SeriesSet set = new SeriesSet("x", List.of("a", "b"), cases);
      Path file = folder.resolve("x" + seed + ".ts");
      SeriesFiles.write(set, file);
      SeriesSet back = SeriesFiles.read(file);
      assertThat(back.classes()).as("seed %d", seed).isEqualTo(set.classes());
      for (int i = 0; i < 6; i++) {
        assertThat(Arrays.deepEquals(back.cases().get(i).values(), cases.get(i).values()))
            .as("seed %d", seed)
            .isTrue();
      }
    }
  }

  @Test
  void commentsMayHoldAnyBytes() throws IOException {
    Path file = folder.resolve("latin.ts");
    Files.write(file, "# Gr\u00f6\u00dfe\n@data\n1,2:a\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(SeriesFiles.read(file).size()).isOne();
  }

  @ParameterizedTest
  @CsvSource({
    "ArrowHead, 36, 175, 1, 251, 251, 3",
    "GunPoint, 50, 150, 1, 150, 150, 2",
    "ItalyPowerDemand, 67, 1029, 1, 24, 24, 2",
    "OSULeaf, 200, 242, 1, 427, 427, 6",
    "PickupGestureWiimoteZ, 50, 50, 1, 29, 361, 10",
    "BasicMotions, 40, 40, 6, 100, 100, 4",
    "JapaneseVowels, 270, 370, 12, 7, 29, 9",
    "UnitTest, 20, 22, 1, 24, 24, 2",
    "Coffee, 28, 28, 1, 286, 286, 2",
    "ECG200, 100, 100, 1, 96, 96, 2",
    "SyntheticControl, 300, 300, 1, 60, 60, 6",
    "Lightning7, 70, 73, 1, 319, 319, 7",
    "OliveOil, 30, 30, 1, 570, 570, 4",
    "Trace, 100, 100, 1, 275, 275, 4",
    "GestureMidAirD1, 208, 130, 1, 360, 360, 26"
  })
  void realProblems(
      String name, int train, int test, int channels, int shortest, int longest, int classes) {
    SeriesProblem problem = SeriesFiles.folder(UcrFolder.problem(name));
    assertThat(problem.name()).isEqualTo(name);
    assertThat(problem.train().size()).isEqualTo(train);
    assertThat(problem.test().size()).isEqualTo(test);
    assertThat(problem.train().channels()).isEqualTo(channels);
    assertThat(problem.train().classes()).hasSize(classes);
    assertThat(Math.min(problem.train().minLength(), problem.test().minLength()))
        .isEqualTo(shortest);
    assertThat(problem.maxLength()).isEqualTo(longest);
  }

  @Test
  void bothFormatsOfAProblemHoldTheSameNumbers() {
    for (String name : List.of("ArrowHead", "GunPoint")) {
      Path place = UcrFolder.problem(name);
      SeriesSet ts = SeriesFiles.read(place.resolve(name + "_TRAIN.ts"));
      SeriesSet tsv = SeriesFiles.read(place.resolve(name + "_TRAIN.tsv"));
      assertThat(tsv.labels()).isEqualTo(ts.labels());
      for (int i = 0; i < ts.size(); i++) {
        double[] a = ts.cases().get(i).values()[0];
        double[] b = tsv.cases().get(i).values()[0];
        assertThat(b).hasSameSizeAs(a);
        for (int t = 0; t < a.length; t++) {
          assertThat(b[t]).isCloseTo(a[t], org.assertj.core.api.Assertions.within(1e-6));
        }
      }
    }
  }

  @Test
  void realTimeStamps() {
    Path file = UcrFolder.problem("UnitTest").resolve("UnitTestTimeStamps_TRAIN.ts");
    SeriesSet set = SeriesFiles.read(file);
    assertThat(set.size()).isEqualTo(4);
    assertThat(set.cases().get(2).values()[0]).containsExactly(4, 0, 1, 11);
  }
}
