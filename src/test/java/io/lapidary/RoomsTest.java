package io.lapidary;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;

/** Holds the order of the rooms and the calls that nobody may make, each with its reason. */
@AnalyzeClasses(packages = "io.lapidary", importOptions = ImportOption.DoNotIncludeTests.class)
class RoomsTest {

  @ArchTest
  static final ArchRule dataFlowsOneWay =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .withOptionalLayers(true)
          .layer("base")
          .definedBy("io.lapidary")
          .layer("engine")
          .definedBy("io.lapidary.engine..")
          .layer("layer")
          .definedBy("io.lapidary.layer..")
          .layer("model")
          .definedBy("io.lapidary.model..")
          .layer("io")
          .definedBy("io.lapidary.io..")
          .layer("data")
          .definedBy("io.lapidary.data..")
          .layer("train")
          .definedBy("io.lapidary.train..")
          .layer("metric")
          .definedBy("io.lapidary.metric..")
          .layer("method")
          .definedBy("io.lapidary.method..")
          .layer("report")
          .definedBy("io.lapidary.report..")
          .layer("search")
          .definedBy("io.lapidary.search..")
          .layer("app")
          .definedBy("io.lapidary.app..")
          .whereLayer("base")
          .mayNotAccessAnyLayer()
          .whereLayer("engine")
          .mayOnlyAccessLayers("base")
          .whereLayer("layer")
          .mayOnlyAccessLayers("base", "engine")
          .whereLayer("io")
          .mayOnlyAccessLayers("base")
          .whereLayer("model")
          .mayOnlyAccessLayers("base", "engine", "layer", "io")
          .whereLayer("data")
          .mayOnlyAccessLayers("base", "io")
          .whereLayer("metric")
          .mayOnlyAccessLayers("base")
          .whereLayer("train")
          .mayOnlyAccessLayers("base", "engine", "layer", "model", "io", "data", "metric")
          .whereLayer("report")
          .mayOnlyAccessLayers("base", "metric")
          .whereLayer("method")
          .mayOnlyAccessLayers(
              "base", "engine", "layer", "model", "io", "data", "train", "metric", "report")
          .whereLayer("method")
          .mayOnlyBeAccessedByLayers("search", "app")
          .whereLayer("search")
          .mayOnlyBeAccessedByLayers("app")
          .whereLayer("app")
          .mayNotBeAccessedByAnyLayer()
          .because("each stage can then be tested alone and hands on a value");

  @ArchTest
  static final ArchRule onlyTheEngineBuildsOperations =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.lapidary.engine..")
          .should()
          .dependOnClassesThat(
              resideInAPackage("org.nd4j.autodiff.samediff.ops..")
                  .or(resideInAPackage("org.nd4j.linalg.api.ops.impl..")))
          .because(
              "several SameDiff operations compute wrong gradients without an error;"
                  + " engine.Ops offers the forms that are right");

  @ArchTest
  static final ArchRule noJavaSerialisation =
      noClasses()
          .should()
          .dependOnClassesThat(
              describe(
                  "read or write serialised objects",
                  (JavaClass c) ->
                      c.isEquivalentTo(ObjectInputStream.class)
                          || c.isEquivalentTo(ObjectOutputStream.class)))
          .orShould()
          .beAssignableTo(
              describe(
                  "declares Serializable",
                  (JavaClass c) ->
                      c.getPackageName().startsWith("io.lapidary")
                          && c.getRawInterfaces().stream()
                              .anyMatch(i -> i.isEquivalentTo(Serializable.class))))
          .because("reading it runs code from the file; write named arrays and JSON instead");

  @ArchTest
  static final ArchRule randomnessComesFromSeeds =
      noClasses()
          .should()
          .callMethodWhere(call("Math.random", Math.class, "random"))
          .orShould()
          .callMethodWhere(call("Collections.shuffle(list)", Collections.class, "shuffle", 1))
          .orShould()
          .callMethodWhere(call("ThreadLocalRandom", ThreadLocalRandom.class, "current"))
          .orShould()
          .callConstructor(Random.class)
          .orShould()
          .callConstructor(SplittableRandom.class)
          .orShould()
          .callMethodWhere(seedlessNd4j())
          .because("a run must repeat from its root seed; take a stream of Seeds");

  @ArchTest
  static final ArchRule onlyTheCommandLineEndsTheProcess =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.lapidary.app..")
          .should()
          .callMethod(System.class, "exit", int.class)
          .orShould()
          .callMethod(java.lang.Runtime.class, "exit", int.class)
          .orShould()
          .callMethod(java.lang.Runtime.class, "halt", int.class)
          .because("code that ends the process cannot be called from tests or other programs");

  private static DescribedPredicate<JavaAccess<?>> call(
      String description, Class<?> owner, String name) {
    return describe(
        description,
        access -> access.getTargetOwner().isEquivalentTo(owner) && access.getName().equals(name));
  }

  private static DescribedPredicate<JavaAccess<?>> call(
      String description, Class<?> owner, String name, int parameters) {
    return describe(
        description,
        access ->
            call(description, owner, name).test(access) && parameters(access).size() == parameters);
  }

  /** Calls such as {@code Nd4j.rand(shape)} that draw from the generator of the thread. */
  private static DescribedPredicate<JavaAccess<?>> seedlessNd4j() {
    return describe(
        "Nd4j.rand without a generator",
        access ->
            access.getTargetOwner().getName().equals("org.nd4j.linalg.factory.Nd4j")
                && (access.getName().startsWith("rand") || access.getName().equals("getRandom"))
                && parameters(access).stream()
                    .noneMatch(type -> type.getName().equals("org.nd4j.linalg.api.rng.Random")));
  }

  private static List<JavaClass> parameters(JavaAccess<?> access) {
    return access.getTarget()
            instanceof com.tngtech.archunit.core.domain.AccessTarget.CodeUnitCallTarget target
        ? target.getRawParameterTypes()
        : List.of();
  }
}
