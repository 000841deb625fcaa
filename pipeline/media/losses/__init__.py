"""What a movie lacks of its pictures: promises that packets make, absences from the file, faults of decoding."""
