package io.lapidary;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Keeps the repository tidy: its top level, its packages, and what its text may not mention. */
class RepositoryTest {
  private static final Path ROOT = Path.of("").toAbsolutePath();

  private static final Set<String> TOP_LEVEL =
      Set.of(
          "pom.xml",
          "src",
          "experiments",
          "datasets",
          "checkpoints",
          "docs",
          "README.md",
          "CHANGES.md",
          "LICENSE",
          "NOTICE");

  /** Written by builds and runs, ignored by git. */
  private static final Set<String> GENERATED =
      Set.of("target", "report", ".git", ".idea", ".vscode", ".settings", ".cache", ".runs");

  private static final Set<String> TEXT =
      Set.of(
          "java",
          "xml",
          "md",
          "yaml",
          "yml",
          "json",
          "txt",
          "csv",
          "properties",
          "py",
          "sh",
          "cmd",
          "html",
          "ftl",
          "css",
          "js",
          "config",
          "gitignore",
          "");

  private static final long LARGEST_TEXT = 2 << 20;

  /** Folders of one machine, and hosts of package registries: neither is the same elsewhere. */
  private static final Pattern FOREIGN =
      Pattern.compile(
          "(?<![\\w.*>})-])/(work|tmp|root|home)/"
              + "|repo1?\\.maven\\.(apache\\.)?org|registry\\.npmjs|pypi\\.org|pythonhosted\\.org");

  @Test
  void theTopLevelHoldsOnlyWhatItShould() throws IOException {
    try (Stream<Path> entries = Files.list(ROOT)) {
      List<String> others =
          entries
              .map(path -> path.getFileName().toString())
              .filter(name -> !name.startsWith(".") && !TOP_LEVEL.contains(name))
              .filter(name -> !GENERATED.contains(name) && !name.startsWith("hs_err"))
              .toList();
      assertThat(others).as("files and folders that belong elsewhere").isEmpty();
    }
  }

  @Test
  void everyPackageSaysWhatItIsFor() throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve("src/main/java"))) {
      Set<Path> packages =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .map(Path::getParent)
              .collect(Collectors.toSet());
      assertThat(packages)
          .allSatisfy(folder -> assertThat(folder.resolve("package-info.java")).exists());
    }
  }

  @Test
  void textMentionsNoMachineAndNoRegistry() throws IOException {
    List<String> found = new ArrayList<>();
    for (Path file : textFiles()) {
      if (file.getFileName().toString().equals("RepositoryTest.java")) {
        continue;
      }
      int number = 0;
      for (String line : Files.readString(file, StandardCharsets.ISO_8859_1).lines().toList()) {
        number++;
        Matcher matcher = FOREIGN.matcher(line);
        if (matcher.find()) {
          found.add(ROOT.relativize(file) + ":" + number + ": " + matcher.group());
        }
      }
    }
    assertThat(found).isEmpty();
  }

  private static List<Path> textFiles() throws IOException {
    List<Path> files = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            return GENERATED.contains(folder.getFileName().toString())
                    && !folder.equals(ROOT)
                    && !folder.startsWith(ROOT.resolve("src"))
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String name = file.getFileName().toString();
            String extension = name.contains(".") ? name.substring(name.lastIndexOf('.') + 1) : "";
            if (TEXT.contains(extension)
                && attributes.size() <= LARGEST_TEXT
                && !name.equals(".git")) {
              files.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return files;
  }
}
