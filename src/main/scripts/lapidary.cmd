@echo off
rem Starts Lapidary on Windows; the counterpart of the shell script "lapidary" beside it, with the same
rem environment variables. Windows does not tell a batch file the CPU flags, so the generic native
rem library is used unless LAPIDARY_NATIVE is set to onednn-avx2.
setlocal
set "BASE=%~dp0.."
if not exist "%BASE%\lib" (
  echo lapidary: no lib folder beside %~dp0; build with "mvn -q -DskipTests package" and run target\lapidary\bin\lapidary.cmd 1>&2
  exit /b 2
)
set "TREE=%BASE%"
if exist "%BASE%\..\..\pom.xml" if exist "%BASE%\..\..\src\main\scripts" set "TREE=%BASE%\..\.."
if not defined LAPIDARY_HOME set "LAPIDARY_HOME=%TREE%"
if not defined LAPIDARY_JAVA if defined JAVA_HOME set "LAPIDARY_JAVA=%JAVA_HOME%\bin\java.exe"
if not defined LAPIDARY_JAVA set "LAPIDARY_JAVA=java"
if not defined LAPIDARY_HEAP set "LAPIDARY_HEAP=4g"
if not defined LAPIDARY_OFFHEAP set "LAPIDARY_OFFHEAP=8g"
if not defined OMP_NUM_THREADS set "OMP_NUM_THREADS=%NUMBER_OF_PROCESSORS%"
set "EXTENSION=-Dorg.bytedeco.javacpp.platform.extension=-generic"
if defined LAPIDARY_NATIVE set "EXTENSION=-Dorg.bytedeco.javacpp.platform.extension=-%LAPIDARY_NATIVE%"
"%LAPIDARY_JAVA%" -Xmx%LAPIDARY_HEAP% -Dorg.bytedeco.javacpp.maxbytes=%LAPIDARY_OFFHEAP% -Dorg.bytedeco.javacpp.maxphysicalbytes=0 --add-modules jdk.incubator.vector "-Dlapidary.home=%LAPIDARY_HOME%" -Dlapidary.launcher=true -Dorg.nd4j.log.initialization=false -Djava.awt.headless=true -Dfile.encoding=UTF-8 %EXTENSION% %LAPIDARY_JAVA_OPTS% -cp "%BASE%\lib\*" io.lapidary.app.Lapidary %*
exit /b %ERRORLEVEL%
