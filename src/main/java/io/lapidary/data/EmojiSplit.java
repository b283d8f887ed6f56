package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * A division of the emoji pictures. Examples are ordered by vendor, then by emoji index.
 *
 * @param train pictures to train on
 * @param test pictures to test on, none of them in {@code train}
 */
public record EmojiSplit(List<EmojiExample> train, List<EmojiExample> test) {
  /** Copies the lists. */
  public EmojiSplit {
    train = List.copyOf(train);
    test = List.copyOf(test);
  }

  /**
   * Vendor transfer: trains on one vendor's drawings of every emoji, tests on the other vendor's
   * drawings of the same emoji. Only emoji that both vendors drew take part.
   *
   * @param keep which emoji take part, for example {@link Emoji#base}
   */
  public static EmojiSplit vendorTransfer(
      EmojiDataset data, Emoji.Vendor trainVendor, Predicate<Emoji> keep) {
    Predicate<Emoji> shared = keep.and(EmojiSplit::drawnByBoth);
    return new EmojiSplit(
        examples(data, trainVendor, shared), examples(data, trainVendor.other(), shared));
  }

  /**
   * Held-out concepts: a seeded part of the concepts of each subcategory is kept for testing, in
   * both vendors' drawings. Skin-tone variants stay on the side of their base form, and so do emoji
   * that share an identical picture (see {@link Emoji#group}). A subcategory with two or more such
   * groups has at least one on each side; one with a single group is trained on.
   *
   * @param fraction share of each subcategory to hold out, in (0, 1)
   * @param seeds same seeds, same split
   * @param keep which emoji take part
   */
  public static EmojiSplit heldOut(
      EmojiDataset data, double fraction, Seeds seeds, Predicate<Emoji> keep) {
    Check.that(fraction > 0 && fraction < 1, "fraction must be between 0 and 1, got %s", fraction);
    Predicate<Emoji> shared = keep.and(EmojiSplit::drawnByBoth);
    Map<String, Set<Integer>> groups = new TreeMap<>();
    for (Emoji e : data.all()) {
      if (shared.test(e)) {
        Emoji leader = data.get(e.group());
        groups.computeIfAbsent(leader.subcategory(), s -> new TreeSet<>()).add(e.group());
      }
    }
    Set<Integer> held = new HashSet<>();
    groups.forEach(
        (subcategory, members) -> {
          int[] order = members.stream().mapToInt(Integer::intValue).toArray();
          Shuffle.inPlace(order, seeds.stream("held-out").stream(subcategory));
          int n = order.length;
          int out = n < 2 ? 0 : (int) Math.max(1, Math.min(n - 1, Math.round(n * fraction)));
          for (int i = 0; i < out; i++) {
            held.add(order[i]);
          }
        });
    List<EmojiExample> train = new ArrayList<>();
    List<EmojiExample> test = new ArrayList<>();
    for (Emoji.Vendor vendor : Emoji.Vendor.values()) {
      train.addAll(examples(data, vendor, shared.and(e -> !held.contains(e.group()))));
      test.addAll(examples(data, vendor, shared.and(e -> held.contains(e.group()))));
    }
    return new EmojiSplit(train, test);
  }

  private static boolean drawnByBoth(Emoji e) {
    return e.google() && e.twitter();
  }

  private static List<EmojiExample> examples(
      EmojiDataset data, Emoji.Vendor vendor, Predicate<Emoji> keep) {
    return data.all().stream().filter(keep).map(e -> new EmojiExample(e.index(), vendor)).toList();
  }
}
