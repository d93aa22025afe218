"""The values that everything else passes around: frozen, standard library only, nothing happens here."""
