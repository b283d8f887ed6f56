package io.lapidary.data.series;

import io.lapidary.Check;
import io.lapidary.InputException;
import java.io.DataInputStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.datavec.api.conf.Configuration;
import org.datavec.api.records.Record;
import org.datavec.api.records.SequenceRecord;
import org.datavec.api.records.metadata.RecordMetaData;
import org.datavec.api.records.metadata.RecordMetaDataIndex;
import org.datavec.api.records.reader.BaseRecordReader;
import org.datavec.api.records.reader.SequenceRecordReader;
import org.datavec.api.split.InputSplit;
import org.datavec.api.writable.DoubleWritable;
import org.datavec.api.writable.IntWritable;
import org.datavec.api.writable.Writable;

/**
 * DataVec's view of time series files: one sequence a case, one record a time step with the value
 * of every channel and then the class, as DL4J's sequence iterators want it ({@code new
 * SequenceRecordReaderDataSetIterator(reader, batch, classes, channels)}). Several files of a split
 * are read one after the other; their classes are those of the first, unless given.
 */
public final class SeriesRecordReader extends BaseRecordReader implements SequenceRecordReader {
  private static final long serialVersionUID = 1L;

  private transient List<String> classes;
  private transient List<TimeSeries> cases = List.of();
  private transient List<URI> places = List.of();
  private transient Configuration configuration;
  private int at;

  /** A reader whose classes are the labels of the first file. */
  public SeriesRecordReader() {}

  /** A reader of files with known classes, such as those of a training part. */
  public SeriesRecordReader(List<String> classes) {
    this.classes = List.copyOf(classes);
  }

  /** A reader of series in memory. */
  public static SeriesRecordReader of(SeriesSet set) {
    SeriesRecordReader reader = new SeriesRecordReader(set.classes());
    reader.cases = set.cases();
    reader.places = java.util.Collections.nCopies(set.size(), null);
    return reader;
  }

  @Override
  public void initialize(InputSplit split) {
    List<TimeSeries> read = new ArrayList<>();
    List<URI> from = new ArrayList<>();
    for (URI place : split.locations()) {
      Path file = Path.of(place);
      SeriesSet set = SeriesFiles.read(file, classes);
      classes = set.classes();
      if (!read.isEmpty() && read.get(0).channels() != set.channels()) {
        throw InputException.of(
            "%s: its series have %d channels, those before have %d",
            file, set.channels(), read.get(0).channels());
      }
      read.addAll(set.cases());
      from.addAll(java.util.Collections.nCopies(set.size(), place));
    }
    cases = read;
    places = from;
    at = 0;
    inputSplit = split;
  }

  @Override
  public void initialize(Configuration configuration, InputSplit split) {
    setConf(configuration);
    initialize(split);
  }

  @Override
  public Configuration getConf() {
    return configuration;
  }

  @Override
  public void setConf(Configuration conf) {
    configuration = conf;
  }

  @Override
  public List<String> getLabels() {
    return classes;
  }

  @Override
  public boolean hasNext() {
    return at < cases.size();
  }

  @Override
  public List<List<Writable>> sequenceRecord() {
    return nextSequence().getSequenceRecord();
  }

  @Override
  public SequenceRecord nextSequence() {
    Check.that(hasNext(), "there is no further series; reset the reader to begin anew");
    return record(at++);
  }

  private SequenceRecord record(int index) {
    TimeSeries one = cases.get(index);
    List<List<Writable>> steps = new ArrayList<>();
    for (int t = 0; t < one.length(); t++) {
      List<Writable> step = new ArrayList<>();
      for (double[] channel : one.values()) {
        step.add(new DoubleWritable(channel[t]));
      }
      step.add(new IntWritable(one.label()));
      steps.add(step);
    }
    RecordMetaData meta =
        new RecordMetaDataIndex(index, places.get(index), SeriesRecordReader.class);
    return new org.datavec.api.records.impl.SequenceRecord(steps, meta);
  }

  @Override
  public SequenceRecord loadSequenceFromMetaData(RecordMetaData meta) {
    return loadSequenceFromMetaData(List.of(meta)).get(0);
  }

  @Override
  public List<SequenceRecord> loadSequenceFromMetaData(List<RecordMetaData> metas) {
    List<SequenceRecord> records = new ArrayList<>();
    for (RecordMetaData meta : metas) {
      records.add(record((int) ((RecordMetaDataIndex) meta).getIndex()));
    }
    return records;
  }

  @Override
  public List<List<Writable>> sequenceRecord(URI uri, DataInputStream stream) {
    throw new UnsupportedOperationException("series are read from files; use initialize(split)");
  }

  @Override
  public void reset() {
    at = 0;
  }

  @Override
  public boolean resetSupported() {
    return true;
  }

  // a series is a sequence, never a single record

  private static UnsupportedOperationException single() {
    return new UnsupportedOperationException("a series is a sequence; call sequenceRecord()");
  }

  @Override
  public List<Writable> next() {
    throw single();
  }

  @Override
  public List<Writable> record(URI uri, DataInputStream stream) {
    throw single();
  }

  @Override
  public Record nextRecord() {
    throw single();
  }

  @Override
  public Record loadFromMetaData(RecordMetaData meta) {
    throw single();
  }

  @Override
  public List<Record> loadFromMetaData(List<RecordMetaData> metas) {
    throw single();
  }

  @Override
  public void close() {
    // files are read at once
  }
}
