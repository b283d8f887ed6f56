package io.lapidary.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachinesTest {
  private static final String SHA = "0123456789abcdef0123456789abcdef01234567";
  @TempDir Path folder;

  @Test
  void commitFromLooseAndPackedReferencesAndDetachedHead() throws IOException {
    Path deep = Files.createDirectories(folder.resolve("a/b"));
    Path git = folder.resolve(".git");
    write(git.resolve("HEAD"), "ref: refs/heads/main\n");
    assertThat(Machines.commit(deep)).isEqualTo("unknown");
    write(git.resolve("packed-refs"), "# pack-refs\n" + SHA + " refs/heads/main\n");
    assertThat(Machines.commit(deep)).isEqualTo(SHA);
    String newer = SHA.replace('0', 'f');
    write(git.resolve("refs/heads/main"), newer + "\n");
    assertThat(Machines.commit(deep)).isEqualTo(newer);
    write(git.resolve("HEAD"), SHA + "\n");
    assertThat(Machines.commit(deep)).isEqualTo(SHA);
    write(git.resolve("HEAD"), "garbage");
    assertThat(Machines.commit(deep)).isEqualTo("unknown");
  }

  @Test
  void commitOfALinkedWorkTree() throws IOException {
    Path common = folder.resolve("repository/.git");
    Path own = common.resolve("worktrees/side");
    write(own.resolve("HEAD"), "ref: refs/heads/side\n");
    write(own.resolve("commondir"), "../..\n");
    write(common.resolve("refs/heads/side"), SHA + "\n");
    Path tree = Files.createDirectories(folder.resolve("side"));
    write(tree.resolve(".git"), "gitdir: " + own + "\n");
    assertThat(Machines.commit(tree)).isEqualTo(SHA);
    write(tree.resolve(".git"), "x");
    assertThat(Machines.commit(tree)).isEqualTo("unknown");
  }

  @Test
  void processorModel() throws IOException {
    Path info = folder.resolve("cpuinfo");
    write(info, "processor\t: 0\nmodel name\t: Fast One @ 3 GHz\n");
    assertThat(Machines.cpu(info)).isEqualTo("Fast One @ 3 GHz");
    assertThat(Machines.cpu(folder.resolve("absent"))).isNotBlank();
  }

  @Test
  void here() {
    Provenance.Machine machine = Machines.here(1, "cpu");
    assertThat(machine.lapidary()).matches("unknown|\\d+\\.\\d+.*");
    assertThat(machine.nd4j()).isEqualTo("1.0.0-M2.1");
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
